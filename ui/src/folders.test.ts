import { expect, test } from 'vitest';

import { filed, liesIn } from './folders';

test('what lies in folders comes below what lies in none, and each folder before those within', () => {
  const things: [string | null, number][] = [['b/c', 1], [null, 2], ['a', 3], [' b / c /', 4], ['b', 5], ['//', 6]];
  const told = filed(things, ([folder]) => folder);
  expect(told.map(({ path, entries }) => [path, entries.map(([, number]) => number)])).toEqual([
    ['', [2, 6]],
    ['b', [5]],
    ['b/c', [1, 4]],
    ['a', [3]],
  ]);
  expect(told.map(({ count }) => count)).toEqual([6, 3, 2, 1]);
});

test('a folder lies in another by whole names', () => {
  expect(['a/b', 'a', 'ab/c'].map((path) => liesIn(path, new Set(['a'])))).toEqual([true, false, false]);
});
