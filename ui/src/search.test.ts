import { describe, expect, test } from 'vitest';

import { favourite } from './fixtures/build';
import { search, type Segment } from './search';

const favourites = [
  favourite('raft-main'),
  favourite('app-fin-test'),
  favourite('db-replica-3', { resourceGroup: 'rg-data', detail: 'rg-data · deallocated' }),
  favourite('finance-app', { resourceGroup: 'rg-finance', detail: 'rg-finance · running' }),
  favourite('web'),
  favourite('my-web'),
];

const names = (query: string) => search(query, favourites).map(({ favourite: { name } }) => name);
const marked = (segments: Segment[] | undefined) =>
  segments?.map(({ text, hit }) => (hit ? `[${text}]` : text)).join('');

describe('search', () => {
  test('leaves all favourites in the user’s order while nothing is typed', () => {
    expect(names('  ')).toEqual(favourites.map(({ name }) => name));
  });

  test('puts a name’s beginning before a part’s beginning before scattered letters', () => {
    expect(names('fin')).toEqual(['finance-app', 'app-fin-test', 'raft-main']);
  });

  test('puts the whole name first', () => {
    expect(names('WEB')).toEqual(['web', 'my-web']);
  });

  test('wants every word, in the name or beside it', () => {
    expect(names('db dealloc')).toEqual(['db-replica-3']);
    expect(names('db running')).toEqual([]);
  });

  test('finds by the folder', () => {
    const filed = favourite('api', { profile: { vm: 'x', folder: 'Team/Prod' } });
    expect(search('prod', [...favourites, filed])).toMatchObject([{ favourite: filed }]);
  });

  test('finds by the resource group, after the names', () => {
    expect(names('rg-fin')).toEqual(['finance-app']);
  });

  test('finds by the VM’s name in Azure where the favourite is called otherwise', () => {
    const renamed = favourite('build box', { vmName: 'vm-weu-0042' });
    expect(search('0042', [renamed])).toHaveLength(1);
  });

  test('marks the letters where they stand together, not where they come first', () => {
    const [best] = search('fin', [favourite('f-i-finance')]);
    expect(marked(best?.name)).toBe('f-i-[fin]ance');
  });

  test('marks scattered letters too', () => {
    const [best] = search('fin', [favourite('raft-main')]);
    expect(marked(best?.name)).toBe('ra[f]t-ma[in]');
  });

  test('marks what was found in the line below', () => {
    const [best] = search('db data', favourites);
    expect([marked(best?.name), marked(best?.detail)]).toEqual(['[db]-replica-3', 'rg-[data] · deallocated']);
  });
});
