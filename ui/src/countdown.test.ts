import { describe, expect, test } from 'vitest';

import { clockText, durationText, fractionLeft, leftSpoken, leftText, nextTick, timeLeft } from './countdown';
import { attempt, snapshot, window } from './fixtures/build';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const NOW = Date.parse('2026-11-22T15:00:00Z');

describe('the time left', () => {
  test.each([
    [2 * HOUR + 11 * MINUTE, '2:11'],
    [2 * HOUR + 11 * MINUTE - 1, '2:10'],
    [15 * MINUTE, '0:15'],
    [MINUTE, '0:01'],
    [59 * SECOND, '59 s'],
    [SECOND - 1, '0 s'],
    [23 * HOUR + 59 * MINUTE, '23:59'],
  ])('%i ms are shown as %s', (left, text) => {
    expect(leftText(left)).toBe(text);
  });

  test('is never negative', () => {
    expect(timeLeft(new Date(NOW - HOUR).toISOString(), NOW, 0)).toBe(0);
  });

  test('goes by Azure’s clock, not by this machine’s', () => {
    const end = new Date(NOW + HOUR).toISOString();
    expect(leftText(timeLeft(end, NOW, 10 * MINUTE))).toBe('0:50');
    expect(leftText(timeLeft(end, NOW, -10 * MINUTE))).toBe('1:10');
  });

  test('is spoken in words', () => {
    expect(leftSpoken(2 * HOUR + 11 * MINUTE)).toBe('2 hours 11 minutes left');
    expect(leftSpoken(HOUR + MINUTE)).toBe('1 hour 1 minute left');
    expect(leftSpoken(59 * SECOND)).toBe('less than a minute left');
  });
});

describe('the ring', () => {
  const at = (ms: number) => new Date(NOW + ms).toISOString();

  test('is full at the start, empty from the end on', () => {
    expect(fractionLeft(at(0), at(HOUR), NOW, 0)).toBe(1);
    expect(fractionLeft(at(0), at(HOUR), NOW + 45 * MINUTE, 0)).toBe(0.25);
    expect(fractionLeft(at(0), at(HOUR), NOW + 2 * HOUR, 0)).toBe(0);
  });

  test('is full, not fuller, for a window that begins in this machine’s future', () => {
    expect(fractionLeft(at(MINUTE), at(HOUR), NOW, 0)).toBe(1);
  });

  test('is empty for a window without length', () => {
    expect(fractionLeft(at(0), at(0), NOW, 0)).toBe(0);
  });
});

describe('durations', () => {
  test.each([
    [320, false, '0.3 s'],
    [9_940, false, '9.9 s'],
    [12_400, false, '12 s'],
    [60_000, false, '1 min'],
    [72_000, false, '1 min 12 s'],
    [900, true, '0 s'],
    [34_900, true, '34 s'],
    [-50, true, '0 s'],
  ])('%i ms, under way: %s, are shown as %s', (ms, underWay, text) => {
    expect(durationText(ms, underWay)).toBe(text);
  });
});

describe('the clock', () => {
  test('names the day only where it is not today', () => {
    const morning = new Date(2026, 10, 22, 9, 5);
    expect(clockText(new Date(2026, 10, 22, 17, 4).toISOString(), morning.getTime())).toBe('17:04');
    expect(clockText(new Date(2026, 10, 23, 8, 0).toISOString(), morning.getTime())).toBe('Mon 08:00');
  });
});

describe('the next tick', () => {
  test('is none when nothing is open and nothing runs', () => {
    const failed = attempt(1, 'web-01', NOW, {
      outcome: { kind: 'connected', endpoint: { host: 'h', port: 22 }, window: null, elapsedMs: 1 },
    });
    expect(nextTick(snapshot({ attempts: [failed] }), NOW)).toBeNull();
  });

  test('is none after a window’s end', () => {
    expect(nextTick(snapshot({ windows: [window('web-01', NOW, 60, -1)] }), NOW)).toBeNull();
  });

  test('is just past the minute for a window', () => {
    const open = snapshot({ windows: [window('web-01', NOW, 0, 131.5)] });
    const wait = nextTick(open, NOW);
    expect(wait).toBe(30 * SECOND + 1);
    const left = (now: number) => leftText(timeLeft(open.windows[0]?.endTimeUtc ?? '', now, 0));
    expect([left(NOW + (wait ?? 0) - 2), left(NOW + (wait ?? 0))]).toEqual(['2:11', '2:10']);
  });

  test('is each second in a window’s last minute', () => {
    expect(nextTick(snapshot({ windows: [window('web-01', NOW, 60, 0.5)] }), NOW)).toBeLessThanOrEqual(SECOND);
  });

  test('is the running attempt’s next second', () => {
    expect(nextTick(snapshot({ attempts: [attempt(1, 'web-01', NOW - 12_300)] }), NOW)).toBe(700);
  });
});
