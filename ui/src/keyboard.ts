// What a key does, apart from how it is done.

export type KeyAction =
  | { do: 'focusSearch' }
  | { do: 'type'; text: string }
  | { do: 'clearSearch' }
  | { do: 'goBack' }
  | { do: 'settings' }
  | { do: 'history' }
  | { do: 'closeWindow' }
  | { do: 'move'; to: 'next' | 'previous' | 'first' | 'last' }
  | { do: 'connect' }
  | { do: 'extend' }
  | { do: 'edit' }
  | { do: 'shift'; by: -1 | 1 }
  | { do: 'menu' }
  | { do: 'pick' }
  | { do: 'pickNone' };

export interface Key {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

export interface Situation {
  /** Where the focus is: the search field, a row of a list, another field to type in, another control, or nowhere. */
  focus: 'search' | 'row' | 'field' | 'control' | 'page';
  /** Whether something is typed in the search field. */
  searching: boolean;
  /** Whether a row is selected. */
  selected: boolean;
  /** Whether rows are picked, to do something with all of them. */
  picked: boolean;
  /** Whether something is looked for, and may be found yet. */
  looking: boolean;
  /** Whether another page is shown in place of the lists. */
  away: boolean;
  /** Whether a dialog or a menu has the keyboard. */
  covered: boolean;
}

export function keyAction(key: Key, situation: Situation): KeyAction | null {
  if (situation.covered) return null;
  const command = key.ctrlKey || key.metaKey;
  if (command && !key.altKey && key.key.toLowerCase() === 'k') return { do: 'focusSearch' };
  if (command && !key.altKey && key.key.toLowerCase() === 'e') return situation.selected ? { do: 'extend' } : null;
  if (command && !key.altKey && key.key === ',') return { do: 'settings' };
  if (command && !key.altKey && key.shiftKey && key.key.toLowerCase() === 'h') return { do: 'history' };
  if (key.shiftKey && key.key === 'F10') return situation.selected ? { do: 'menu' } : null;
  // What is typed there is for the field.
  if (situation.focus === 'field' && key.key !== 'Escape') return null;
  if (key.altKey && !command && situation.selected) {
    if (key.key === 'ArrowUp') return { do: 'shift', by: -1 };
    if (key.key === 'ArrowDown') return { do: 'shift', by: 1 };
  }
  if (command || key.altKey) return null;
  switch (key.key) {
    case 'Escape':
      if (situation.searching) return { do: 'clearSearch' };
      if (situation.picked) return { do: 'pickNone' };
      return situation.away ? { do: 'goBack' } : { do: 'closeWindow' };
    case 'ContextMenu':
      return situation.selected ? { do: 'menu' } : null;
    case ' ':
      return situation.focus === 'row' && situation.selected ? { do: 'pick' } : null;
    case 'F2':
      return situation.selected ? { do: 'edit' } : null;
    case 'ArrowDown':
      return { do: 'move', to: 'next' };
    case 'ArrowUp':
      return { do: 'move', to: 'previous' };
    case 'Home':
      return situation.focus === 'search' ? null : { do: 'move', to: 'first' };
    case 'End':
      return situation.focus === 'search' ? null : { do: 'move', to: 'last' };
    case 'Enter':
      return (situation.selected || situation.looking || situation.picked) && situation.focus !== 'control' ? { do: 'connect' } : null;
    default:
      return isLetter(key.key) && situation.focus !== 'search' ? { do: 'type', text: key.key } : null;
  }
}

/** A space presses buttons and scrolls; every other single character is the beginning of a search. */
function isLetter(key: string): boolean {
  return [...key].length === 1 && key !== ' ';
}

/** The row that a move leads to; from nowhere it leads into the list. */
export function moved<T>(rows: readonly T[], from: T | null, to: 'next' | 'previous' | 'first' | 'last'): T | null {
  const at = from === null ? -1 : rows.indexOf(from);
  const target = {
    next: Math.min(at + 1, rows.length - 1),
    previous: at < 0 ? rows.length - 1 : Math.max(at - 1, 0),
    first: 0,
    last: rows.length - 1,
  }[to];
  return rows[target] ?? null;
}
