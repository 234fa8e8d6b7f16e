import { expect, test } from 'vitest';

import { partAtRight } from './failure';
import { accessDenied } from './fixtures/snapshots';

test('the missing right is set apart from the sentence that names it', () => {
  expect(partAtRight(accessDenied.message)).toEqual({
    before: 'It lacks the right',
    right: 'Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action',
    after: 'on the resource group rg-finance.',
  });
});

test('a sentence goes on after the right', () => {
  expect(partAtRight('Without Microsoft.Compute/virtualMachines/read nothing is known.').after).toBe(
    'nothing is known.',
  );
});

test('a message that names no right stays whole', () => {
  expect(partAtRight('Nothing was opened.')).toEqual({ before: 'Nothing was opened.', right: null, after: '' });
});
