import { screen, within } from '@testing-library/svelte';
import axe from 'axe-core';
import { tick } from 'svelte';
import { describe, expect, test } from 'vitest';

import type { HistoryView } from './bindings/HistoryView';
import { dayText } from './countdown';
import { attempt, deallocation, failure } from './fixtures/build';
import { history, opening } from './fixtures/history';
import { asked, beNow, NOW, open, press, region } from './fixtures/signing';
import * as states from './fixtures/snapshots';

beNow();

const told = (openings = history({ query: '', limit: 9 }, 9, NOW).openings, total = openings.length): HistoryView => ({
  openings,
  total,
  nothing: null,
  unreadable: null,
});

/** The page with what was opened. */
async function looking(what: HistoryView = told()) {
  const opened = await open(states.idle(NOW));
  opened.engine.history = what;
  await opened.user.click(press('History'));
  await tick();
  return opened;
}

const field = () => screen.getByRole<HTMLInputElement>('textbox', { name: 'Name, VM, reason…' });
const shown = () => screen.queryByRole('heading', { name: 'History' }) !== null;

describe('the history', () => {
  test('is reached from the footer and by the keyboard, and left by Esc, the search and the back button', async () => {
    const { engine, user } = await open(states.idle(NOW));
    await user.click(press('History'));
    expect([shown(), document.activeElement?.textContent]).toEqual([true, 'History']);
    await user.keyboard('{Escape}');
    expect([shown(), engine.closed]).toEqual([false, 0]);
    await user.keyboard('{Control>}{Shift>}h{/Shift}{/Control}');
    expect(shown()).toBe(true);
    await user.click(press('Back'));
    expect(shown()).toBe(false);
    await user.keyboard('{Meta>}{Shift>}h{/Shift}{/Meta}');
    await user.keyboard('web');
    expect(shown()).toBe(false);
    expect(engine.lookbacks).toEqual(Array(3).fill({ ask: 'history', query: '', limit: 100 }));
  });

  test('tells each opening under its day, with all that is known of it', async () => {
    const second = { until: null, length: null, kind: 'failed', result: 'failed: accessDenied', source: null, elapsedMs: 20 } as const;
    await looking(
      told([
        opening('web-01', NOW, { result: 'opened, VM started', reason: 'ticket 7', elapsedMs: 48_000 }),
        opening('db-01', NOW - 60_000, second),
        opening('gpu-lab', NOW - 86_400_000, { kind: 'deallocated', result: 'deallocated', port: null, until: null, length: null }),
      ]),
    );
    const of = (day: string) => region(day).getAllByRole('row').map(({ textContent }) => textContent.replace(/\s+/g, ' ').trim());
    const texts = of('Today · Sun 22 Nov');
    expect(texts[0]).toContain('15:00');
    expect(texts[0]).toContain('opened, VM started until 17:00 (2 hours) · took 48 s');
    expect(texts[0]).toContain('SSH 22 · rg-demo · from 203.0.113.7 · as ada');
    expect(texts[0]).toContain('ticket 7');
    expect(texts[1]).toMatch(/failed: accessDenied SSH 22 · rg-demo · as ada/);
    expect(of('Yesterday · Sat 21 Nov')[0]).toContain('rg-demo · from 203.0.113.7 · as ada');
    expect(screen.getByText('3 entries')).toBeTruthy();
  });

  test('is gone through by arrows, and a line of it is copied by its button and by Ctrl+C', async () => {
    const { engine, user } = await looking();
    await user.click(field());
    await user.keyboard('{ArrowDown}{ArrowDown}');
    const row = document.activeElement as HTMLElement;
    expect(within(row).getByText('build-win-02')).toBeTruthy();
    await user.keyboard('{Control>}c{/Control}');
    await user.click(within(row).getByRole('button', { name: /^Copy the entry of build-win-02 at/ }));
    const line = engine.history.openings[1]?.line;
    expect(engine.copied).toEqual([line, line]);
    await user.keyboard('{End}');
    expect(screen.getAllByRole('row').at(-1)).toBe(document.activeElement);
    // Nothing of it can be opened, changed or selected by mistake.
    await user.keyboard('{Enter} {F2}');
    expect(asked(engine)).toEqual([]);
    expect(shown()).toBe(true);
    // One row of all is in the way of Tab.
    expect(screen.getAllByRole('row').filter(({ tabIndex }) => tabIndex === 0)).toHaveLength(1);
  });

  test('is looked through by what is typed, which Ctrl+F leads to and Esc takes back before it leaves the page', async () => {
    const { engine, user } = await looking();
    await user.keyboard('{Control>}f{/Control}');
    expect(document.activeElement).toBe(field());
    engine.history = { ...told([]), nothing: 'Nothing that was opened fits “nosuch”.' };
    await user.keyboard('nosuch');
    expect(engine.lookbacks.at(-1)).toEqual({ ask: 'history', query: 'nosuch', limit: 100 });
    expect(await screen.findByText('Nothing that was opened fits “nosuch”.')).toBeTruthy();
    engine.history = told();
    await user.keyboard('{Escape}');
    expect([shown(), field().value, screen.getAllByRole('row').length]).toEqual([true, '', 9]);
    await user.keyboard('nosuch');
    engine.history = { ...told([]), nothing: 'Nothing that was opened fits “x”.' };
    await user.keyboard('x');
    engine.history = told();
    await user.click(await screen.findByRole('button', { name: 'Show all' }));
    expect([field().value, document.activeElement === field()]).toEqual(['', true]);
    await user.keyboard('{Escape}');
    expect(shown()).toBe(false);
  });

  test('goes to the clipboard for other programs, as much of it as fits, with the way to a file', async () => {
    const { engine, user } = await looking();
    await user.type(field(), 'web');
    engine.reply = { answer: 'exported', text: 'at,name\n…', count: 1_234 };
    await user.click(press('Export…'));
    await user.click(await screen.findByText('Copy as CSV', { selector: '[role=menuitem]' }));
    expect(asked(engine)).toEqual([{ ask: 'exportHistory', query: 'web', format: 'csv' }]);
    const note = await screen.findByText(/Copied 1,234 entries as CSV/);
    expect(note.textContent).toContain('ajar history --format csv > history.csv');
    expect(engine.copied).toEqual(['at,name\n…']);
    engine.reply = { answer: 'refused', failure: failure('settings', { title: 'It cannot be read.' }) };
    await user.click(press('Export…'));
    await user.click(await screen.findByText('Copy as JSON', { selector: '[role=menuitem]' }));
    expect((await screen.findByRole('alert')).textContent).toContain('It cannot be read.');
    expect(engine.copied).toHaveLength(1);
  });

  test('shows an opening that ends meanwhile, and keeps the row that is meant', async () => {
    const { engine, user, see } = await looking();
    const under = (parts = {}) => ({ ...states.idle(NOW), attempts: [attempt(7, 'jump-eu', NOW, parts)] });
    await user.click(field());
    await user.keyboard('{ArrowDown}');
    await see(under());
    engine.history = told([opening('jump-eu', NOW + 60_000), ...told().openings]);
    await see(under({ outcome: { kind: 'cancelled', ...failure('cancelled') } }));
    expect(await screen.findByText('jump-eu')).toBeTruthy();
    expect(within(screen.getByRole('row', { selected: true })).getByText('web-01')).toBeTruthy();
    const before = engine.lookbacks.length;
    await see({ ...under({ outcome: { kind: 'cancelled', ...failure('cancelled') } }), revision: 9 });
    expect(engine.lookbacks).toHaveLength(before);
    await see({ ...states.idle(NOW), deallocations: [deallocation(1, 'gpu-lab', NOW)] });
    expect(engine.lookbacks).toHaveLength(before + 1);
    await user.click(press('Back'));
    await see(states.idle(NOW));
    expect(engine.lookbacks).toHaveLength(before + 1);
  });

  test('shows some at first, and older ones on demand, but never more than some hundred', async () => {
    const of = (limit: number) => history({ query: '', limit }, 1_234, NOW);
    const { engine, user } = await looking(of(100));
    expect(screen.getAllByRole('row')).toHaveLength(100);
    engine.history = of(200);
    await user.click(press('Show older ones'));
    expect(engine.lookbacks.at(-1)).toEqual({ ask: 'history', query: '', limit: 200 });
    await tick();
    expect(screen.getAllByRole('row').indexOf(document.activeElement as HTMLElement)).toBe(100);
    for (const limit of [300, 400, 500]) {
      engine.history = of(limit);
      await user.click(press('Show older ones'));
    }
    expect(engine.lookbacks.at(-1)).toEqual({ ask: 'history', query: '', limit: 500 });
    expect(screen.queryByRole('button', { name: 'Show older ones' })).toBeNull();
    expect(screen.getByText(/The newest 500 are shown\./)).toBeTruthy();
  }, 60_000);

  test('says what it is for where nothing was opened yet, and has nothing to look for and to export then', async () => {
    await looking({ ...told([]), nothing: 'Nothing has been opened yet.' });
    expect(screen.getByText('Nothing has been opened yet.')).toBeTruthy();
    expect(screen.getByText(/^Each opening will stand here/)).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Export…' })).toBeNull();
  });

  test('tells of lines that cannot be read, and why nothing can', async () => {
    const { engine, user } = await looking({ ...told(), unreadable: '2 lines of journal.jsonl cannot be read.' });
    expect(screen.getByText('2 lines of journal.jsonl cannot be read.')).toBeTruthy();
    engine.request = () => Promise.resolve({ answer: 'refused', failure: failure('settings', { title: 'It cannot be read.' }) });
    await user.type(field(), 'w');
    expect((await screen.findByRole('alert')).textContent).toContain('It cannot be read.');
  });

  test.each([
    ['with openings', told()],
    ['without any', { ...told([]), nothing: 'Nothing has been opened yet.' }],
  ])('is as the rules of accessibility say: %s', async (_what, what) => {
    await looking(what);
    const { violations } = await axe.run(document.body, { rules: { 'color-contrast': { enabled: false }, region: { enabled: false } } });
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
  }, 60_000);
});

test('a day says how near it is, also across the end of a month', () => {
  const now = new Date(2026, 11, 1, 0, 30).getTime();
  expect(['2026-12-01', '2026-11-30', '2026-11-29'].map((date) => dayText(date, 'day', now))).toEqual([
    'Today · day',
    'Yesterday · day',
    'day',
  ]);
});
