import { describe, expect, test } from 'vitest';

import { attempt, failure, favourite, snapshot, vmId, window } from './fixtures/build';
import * as states from './fixtures/snapshots';
import { sectionsOf, wantsMoreTime } from './sections';

const NOW = Date.parse('2026-11-22T15:00:00Z');
const connected = {
  kind: 'connected' as const,
  endpoint: { host: '203.0.113.9', port: 22 },
  window: null,
  elapsedMs: 400,
};

describe('the sections of a snapshot', () => {
  test('hold windows, what runs and favourites each in its place and order', () => {
    const sections = sectionsOf(states.connecting(NOW));
    expect(sections.open.map(({ window: { name } }) => name)).toEqual(['jump-eu', 'build-win-02']);
    expect(sections.connecting.map(({ name }) => name)).toEqual(['web-01']);
    expect(sections.favourites[0]?.name).toBe('web-01');
    expect([sections.failed, sections.ended]).toEqual([[], []]);
  });

  test('tell of a port that was open already although another of the VM has a window', () => {
    const { open, ended } = sectionsOf(
      snapshot({
        windows: [window('web-01', NOW, 1, 100)],
        attempts: [attempt(1, 'web-01', NOW - 5_000, { port: 8022, notes: ['Open to all.'], outcome: connected })],
      }),
    );
    expect(open.map(({ notes }) => notes)).toEqual([[]]);
    expect(ended.map(({ text }) => text)).toEqual(['Opened in 0.4 s. Open to all.']);
  });

  test('tell failures from what the user cancelled', () => {
    const sections = sectionsOf(states.failures(NOW));
    expect(sections.failed.map(({ failure: { code } }) => code)).toEqual(['accessDenied', 'sourceUncertain']);
    expect(sections.ended.map(({ text }) => text)).toEqual([
      'Cancelled. Access stays open until 17:52, and the VM goes on starting.',
    ]);
  });

  test('say beside the window what the attempt that opened it had to say', () => {
    const sections = sectionsOf(
      snapshot({
        windows: [window('web-01', NOW, 1, 59)],
        attempts: [attempt(1, 'web-01', NOW, { notes: ['Asked for 1 hour.'], outcome: connected })],
      }),
    );
    expect(sections.open[0]?.notes).toEqual(['Asked for 1 hour.']);
    expect(sections.ended).toEqual([]);
  });

  test('offer to connect where a favourite leads to the window, not where one is called the same', () => {
    const open = window('web-01', NOW, 1, 59);
    const offers = (vm: string) =>
      sectionsOf(snapshot({ windows: [open], favourites: [favourite('web-01', { vm })] })).open[0]?.canConnect;
    expect([offers(open.vm.toUpperCase()), offers(`${open.vm}-2`)]).toEqual([true, false]);
  });

  test('show a window as open only when nobody is still opening it', () => {
    const granted = { windows: [window('web-01', NOW, 1, 59)] };
    expect(sectionsOf(snapshot({ ...granted, attempts: [attempt(1, 'web-01', NOW)] })).open).toEqual([]);
    expect(sectionsOf(snapshot(granted)).open).toHaveLength(1);
  });

  test('keep a window open that is to last longer, and say beside it what came of that', () => {
    const windows = [window('web-01', NOW, 1, 59)];
    const under = attempt(1, 'web-01', NOW, { extends: true });
    expect(sectionsOf(snapshot({ windows, attempts: [under] })).open).toHaveLength(1);
    const outcome = { kind: 'extended' as const, endTimeUtc: new Date(NOW).toISOString(), source: '203.0.113.7' };
    const sections = sectionsOf(snapshot({ windows, attempts: [{ ...under, outcome, notes: ['Not as long.'] }] }));
    expect([sections.open[0]?.notes, sections.ended]).toEqual([['Not as long.'], []]);
    const alone = sectionsOf(snapshot({ attempts: [{ ...under, headline: 'Open for longer', outcome }] }));
    expect(alone.ended.map(({ text }) => text)).toEqual(['Open for longer']);
  });

  test('want more time again where that failed, and have opened what is not open', () => {
    const failed = (code: string, extended: boolean) => ({
      attempt: attempt(1, 'web-01', NOW, { extends: extended }),
      failure: failure(code),
    });
    expect(wantsMoreTime(failed('throttled', true))).toBe(true);
    expect(wantsMoreTime(failed('notOpen', true))).toBe(false);
    expect(wantsMoreTime(failed('throttled', false))).toBe(false);
  });

  test('offer more time only at the port that the favourite is opened at', () => {
    const open = (port: number) =>
      sectionsOf(snapshot({ windows: [window('web-01', NOW, 1, 59)], favourites: [favourite('web-01', { port })] })).open;
    expect([open(22)[0]?.canConnect, open(8022)[0]?.canConnect]).toEqual([true, false]);
  });

  test('hide an open window behind what goes on at its VM and port, whoever it is named after', () => {
    const open = (port: number, name: string) =>
      sectionsOf(
        snapshot({ windows: [window('web-01', NOW, 1, 59)], attempts: [attempt(1, name, NOW, { port, vm: vmId('WEB-01') })] }),
      ).open;
    expect(open(8080, 'web-01')).toHaveLength(1);
    expect(open(22, 'front')).toEqual([]);
  });

  test('keep a connection without a window as one quiet line', () => {
    const opened = attempt(1, 'gpu-lab', NOW, {
      headline: 'connected',
      notes: ['Port 22 was open.'],
      outcome: connected,
    });
    expect(sectionsOf(snapshot({ attempts: [opened] })).ended.map(({ text }) => text)).toEqual([
      'Opened in 0.4 s. Port 22 was open.',
    ]);
  });

  test('keep a failure whose favourite is gone', () => {
    const failed = attempt(1, 'gone', NOW, { outcome: { kind: 'failed', ...failure('vmNotFound') } });
    expect(sectionsOf(snapshot({ favourites: [favourite('web-01')], attempts: [failed] })).failed).toHaveLength(1);
  });
});
