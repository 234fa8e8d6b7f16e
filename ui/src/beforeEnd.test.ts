import { expect, test } from 'vitest';

import { minutesMeant, minutesShown } from './beforeEnd';

test('minutes are read as they are shown, and in the ways that people write lists', () => {
  for (const minutes of [null, [], [15, 5, 1]]) expect(minutesMeant(minutesShown(minutes))).toEqual(minutes);
  for (const typed of ['30 10', '30,10', ' 30; 10 ,']) expect(minutesMeant(typed)).toEqual([30, 10]);
  expect(minutesMeant('Never')).toEqual([]);
  for (const typed of [',', '0', '721', 'soon', '1.5', '-1', '1 2 3 4 5 6']) expect(minutesMeant(typed)).toBeUndefined();
});
