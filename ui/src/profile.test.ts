import { describe, expect, test } from 'vitest';

import { vmId } from './fixtures/build';
import { emptyDraft, hintsFor, nameFrom, profileFrom } from './profile';

describe('the form for a favourite', () => {
  const draft = { ...emptyDraft, vm: ` ${vmId('web-01')}\n`, name: 'web-01' };

  test('has no objection to a pasted resource ID with space around it', () => {
    expect(hintsFor(draft)).toEqual({});
  });

  test('objects to an ID of something else, a name for no shell and a port that is none', () => {
    const wrong = { ...draft, vm: '/subscriptions/s/resourceGroups/g', name: 'my vm', port: '70000' };
    expect(Object.keys(hintsFor(wrong))).toEqual(['vm', 'name', 'port']);
    expect(Object.keys(hintsFor({ ...draft, port: '2.5' }))).toEqual(['port']);
  });

  test('suggests the VM’s own name', () => {
    expect(nameFrom(vmId('web-01'))).toBe('web-01');
    expect(nameFrom('/subscriptions/')).toBe('');
  });

  test('leaves out what was left empty', () => {
    expect(profileFrom(draft)).toEqual({ vm: vmId('web-01'), protocol: 'ssh', port: null, user: null, for: 'PT2H' });
    expect(profileFrom({ ...draft, port: ' 2222 ', user: ' anna ' })).toMatchObject({ port: 2222, user: 'anna' });
  });
});
