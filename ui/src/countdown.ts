// Time left in access windows and time spent in attempts, computed anew from the clock; nothing here counts down.

import type { Snapshot } from './bindings/Snapshot';
import { words } from './words';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** A window's last quarter hour. */
export const ENDING = 15 * MINUTE;

/** Milliseconds until a window closes by Azure's clock, never negative. */
export function timeLeft(endTimeUtc: string, now: number, clockSkewMs: number): number {
  return Math.max(0, Date.parse(endTimeUtc) - (now + clockSkewMs));
}

/** `2:11` in hours and whole minutes, `59 s` in the last minute. Rounded down: never more than there is. */
export function leftText(left: number): string {
  if (left < MINUTE) return `${Math.floor(left / SECOND)} s`;
  const minutes = Math.floor((left % HOUR) / MINUTE);
  return `${Math.floor(left / HOUR)}:${String(minutes).padStart(2, '0')}`;
}

/** The same for the ear: `2 hours 11 minutes left`. */
export function leftSpoken(left: number): string {
  if (left < MINUTE) return 'less than a minute left';
  const hours = Math.floor(left / HOUR);
  const minutes = Math.floor((left % HOUR) / MINUTE);
  const parts = [count(hours, 'hour'), count(minutes, 'minute')].filter((part) => part !== null);
  return `${parts.join(' ')} left`;
}

function count(number: number, unit: string): string | null {
  if (number === 0) return null;
  return `${number} ${unit}${number === 1 ? '' : 's'}`;
}

/** How much of the window is left, from 1 at its start to 0 at its end. */
export function fractionLeft(startTimeUtc: string, endTimeUtc: string, now: number, clockSkewMs: number): number {
  const whole = Date.parse(endTimeUtc) - Date.parse(startTimeUtc);
  if (whole <= 0) return 0;
  return Math.min(1, timeLeft(endTimeUtc, now, clockSkewMs) / whole);
}

/** How long a step took or has taken: `0.3 s`, `34 s`, `1 min 12 s`. Under way it shows whole seconds only. */
export function durationText(ms: number, underWay = false): string {
  const spent = Math.max(0, ms);
  if (spent < 9_950 && !underWay) return `${(spent / SECOND).toFixed(1)} s`;
  const seconds = underWay ? Math.floor(spent / SECOND) : Math.round(spent / SECOND);
  if (seconds < 60) return `${seconds} s`;
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** `17:04` on this machine's wall, with the day where it is not today. */
export function clockText(timeUtc: string, now: number): string {
  const time = new Date(timeUtc);
  const text = `${String(time.getHours()).padStart(2, '0')}:${String(time.getMinutes()).padStart(2, '0')}`;
  if (time.toDateString() === new Date(now).toDateString()) return text;
  return `${time.toLocaleDateString('en', { weekday: 'short' })} ${text}`;
}

/** `Today · Tue 24 Nov`: a day, with how near it is. */
export function dayText(date: string, day: string, now: number): string {
  const isDay = (daysAgo: number) => {
    const then = new Date(now);
    then.setDate(then.getDate() - daysAgo);
    const parts = [then.getMonth() + 1, then.getDate()].map((part) => String(part).padStart(2, '0'));
    return date === [then.getFullYear(), ...parts].join('-');
  };
  if (isDay(0)) return `${words.today} · ${day}`;
  return isDay(1) ? `${words.yesterday} · ${day}` : day;
}

/** The whole hours since then. */
export function hoursSince(timeUtc: string, now: number): number {
  return Math.floor(Math.max(0, now - Date.parse(timeUtc)) / HOUR);
}

/**
 * Milliseconds until a shown time changes, or null when none will: a window's minutes, its last minute's seconds, the
 * seconds of a running attempt, the hours of a VM that Ajar has started.
 */
export function nextTick(snapshot: Snapshot, now: number): number | null {
  const waits: number[] = [];
  for (const window of snapshot.windows) {
    const left = timeLeft(window.endTimeUtc, now, snapshot.clockSkewMs);
    if (left > 0) waits.push((left % (left <= MINUTE ? SECOND : MINUTE)) + 1);
  }
  for (const { outcome, startedAt } of [...snapshot.attempts, ...snapshot.deallocations]) {
    if (outcome === null) {
      const spent = Math.max(0, now + snapshot.clockSkewMs - Date.parse(startedAt));
      waits.push(SECOND - (spent % SECOND));
    }
  }
  for (const { startedAt } of snapshot.favourites) {
    if (startedAt) waits.push(HOUR - (Math.max(0, now + snapshot.clockSkewMs - Date.parse(startedAt)) % HOUR));
  }
  return waits.length === 0 ? null : Math.min(...waits);
}
