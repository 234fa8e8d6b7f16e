/** A message around the name of an Azure right, which is set apart: it is long, and there to be copied. */
export interface Parted {
  before: string;
  right: string | null;
  after: string;
}

export function partAtRight(message: string): Parted {
  const right = /\bMicrosoft\.[A-Za-z]+(?:\/[A-Za-z]+)+\/(?:action|read|write|delete)\b/.exec(message);
  if (!right) return { before: message, right: null, after: '' };
  const after = message.slice(right.index + right[0].length);
  return { before: message.slice(0, right.index).trim(), right: right[0], after: after.trim() };
}
