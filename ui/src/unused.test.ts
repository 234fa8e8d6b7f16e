import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

import { words } from './words';

const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .map((name) => name.replaceAll('\\', '/'))
  .filter((name) => /\.(ts|svelte)$/.test(name) && !name.startsWith('bindings/'))
  .map((name) => ({ name, text: readFileSync(`src/${name}`, 'utf8') }));

test('every word of the window is said somewhere', () => {
  const unsaid = Object.keys(words).filter((key) => !files.some(({ text }) => new RegExp(`\\bwords\\.${key}\\b`).test(text)));
  expect(unsaid).toEqual([]);
});

test('what is exported is used in another file', () => {
  const exported = files.flatMap(({ name, text }) =>
    [...text.matchAll(/^export (?:async )?(?:const|function|class|interface|type) (\w+)/gm)].map(([, what]) => ({ name, what })),
  );
  expect(exported.length).toBeGreaterThan(50);
  const isUsed = ({ name, what }: (typeof exported)[number]) =>
    files.some((file) => file.name !== name && new RegExp(`\\b${what}\\b`).test(file.text));
  expect(exported.filter((one) => !isUsed(one)).map(({ name, what }) => `${what} of ${name}`)).toEqual([]);
});
