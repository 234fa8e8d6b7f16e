/** When it is told that access ends, as a text of minutes. */

import type { BeforeEnd } from './bindings/BeforeEnd';
import { words } from './words';

/** The minutes as somebody would type them; nothing where the usual ones hold. */
export function minutesShown(minutes: BeforeEnd | null): string {
  if (minutes === null) return '';
  return minutes.length === 0 ? words.never : minutes.join(', ');
}

/** What somebody means by a text: null for the usual minutes, none for never, and undefined where it says no such thing. */
export function minutesMeant(typed: string): BeforeEnd | null | undefined {
  const text = typed.trim();
  if (text === '') return null;
  if (text.toLowerCase() === words.never) return [];
  const minutes = text.split(/[\s,;]+/).filter((word) => word !== '');
  const isMinute = (word: string) => /^\d{1,3}$/.test(word) && Number(word) >= 1 && Number(word) <= 720;
  return minutes.length >= 1 && minutes.length <= 5 && minutes.every(isMinute) ? minutes.map(Number) : undefined;
}
