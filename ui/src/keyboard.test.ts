import { describe, expect, test } from 'vitest';

import { keyAction, moved, type Key, type Situation } from './keyboard';

const key = (name: string, held: Partial<Key> = {}): Key => ({
  key: name,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  ...held,
});
const idle: Situation = {
  focus: 'page',
  searching: false,
  selected: false,
  picked: false,
  looking: false,
  away: false,
  covered: false,
};

describe('the keyboard', () => {
  test('finds on Ctrl+K and on Cmd+K', () => {
    expect(keyAction(key('k', { ctrlKey: true }), idle)).toEqual({ do: 'focusSearch' });
    expect(keyAction(key('K', { metaKey: true }), idle)).toEqual({ do: 'focusSearch' });
  });

  test('finds by typing anywhere but in the field itself', () => {
    expect(keyAction(key('w'), idle)).toEqual({ do: 'type', text: 'w' });
    expect(keyAction(key('w'), { ...idle, focus: 'row' })).toEqual({ do: 'type', text: 'w' });
    expect(keyAction(key('w'), { ...idle, focus: 'search' })).toBeNull();
  });

  test('takes no space, named key or shortcut for typing', () => {
    for (const other of [key(' '), key('Tab'), key('F5'), key('r', { ctrlKey: true }), key('f', { altKey: true })]) {
      expect(keyAction(other, idle)).toBeNull();
    }
  });

  test('leads to the history on Ctrl+Shift+H and on Cmd+Shift+H, also from a field', () => {
    for (const held of [{ ctrlKey: true }, { metaKey: true }]) {
      expect(keyAction(key('H', { ...held, shiftKey: true }), { ...idle, focus: 'field' })).toEqual({ do: 'history' });
      expect(keyAction(key('h', held), idle)).toBeNull();
    }
  });

  test('clears the search on Esc, then closes the window', () => {
    expect(keyAction(key('Escape'), { ...idle, searching: true })).toEqual({ do: 'clearSearch' });
    expect(keyAction(key('Escape'), { ...idle, picked: true })).toEqual({ do: 'pickNone' });
    expect(keyAction(key('Escape'), idle)).toEqual({ do: 'closeWindow' });
  });

  test('connects the selected row on Enter, and leaves buttons their own', () => {
    const selected = { ...idle, selected: true };
    expect(keyAction(key('Enter'), { ...selected, focus: 'search' })).toEqual({ do: 'connect' });
    expect(keyAction(key('Enter'), { ...selected, focus: 'row' })).toEqual({ do: 'connect' });
    expect(keyAction(key('Enter'), { ...selected, focus: 'control' })).toBeNull();
    expect(keyAction(key('Enter'), idle)).toBeNull();
  });

  test('asks for more time for the selected row on Ctrl+E and on Cmd+E', () => {
    for (const held of [{ ctrlKey: true }, { metaKey: true }]) {
      expect(keyAction(key('e', held), { ...idle, selected: true, focus: 'search' })).toEqual({ do: 'extend' });
      expect(keyAction(key('e', held), idle)).toBeNull();
    }
  });

  test('opens the selected row’s menu on the menu key and on Shift+F10', () => {
    const selected = { ...idle, selected: true };
    expect(keyAction(key('ContextMenu'), selected)).toEqual({ do: 'menu' });
    expect(keyAction(key('F10', { shiftKey: true }), selected)).toEqual({ do: 'menu' });
    expect(keyAction(key('ContextMenu'), idle)).toBeNull();
  });

  test('leaves what is typed in another field to that', () => {
    for (const name of ['w', 'Enter', 'ArrowDown', 'Home', 'F2']) {
      expect(keyAction(key(name), { ...idle, selected: true, focus: 'field' })).toBeNull();
    }
    expect(keyAction(key('Escape'), { ...idle, focus: 'field' })).toEqual({ do: 'closeWindow' });
  });

  test('moves what is meant by Alt and an arrow', () => {
    const selected = { ...idle, selected: true };
    expect(keyAction(key('ArrowUp', { altKey: true }), selected)).toEqual({ do: 'shift', by: -1 });
    expect(keyAction(key('ArrowDown', { altKey: true }), selected)).toEqual({ do: 'shift', by: 1 });
    expect(keyAction(key('ArrowUp', { altKey: true }), idle)).toBeNull();
  });

  test('leaves Home and End to the caret in the search field', () => {
    expect(keyAction(key('Home'), { ...idle, focus: 'search' })).toBeNull();
    expect(keyAction(key('End'), idle)).toEqual({ do: 'move', to: 'last' });
  });

  test('is the dialog’s or the menu’s while one is open', () => {
    for (const name of ['Escape', 'Enter', 'ArrowDown', 'w']) {
      expect(keyAction(key(name), { ...idle, selected: true, covered: true })).toBeNull();
    }
  });
});

describe('a move', () => {
  const rows = ['a', 'b', 'c'];

  test('enters the list at the near end and stops at the far one', () => {
    expect(moved(rows, null, 'next')).toBe('a');
    expect(moved(rows, null, 'previous')).toBe('c');
    expect(moved(rows, 'c', 'next')).toBe('c');
    expect(moved(rows, 'a', 'previous')).toBe('a');
  });

  test('leads nowhere in an empty list', () => {
    expect(moved([], null, 'next')).toBeNull();
    expect(moved([], null, 'last')).toBeNull();
  });
});
