import { tick } from 'svelte';

import { keyAction, moved, type KeyAction, type Situation } from './keyboard';
import type { RowKey } from './sections';
import type { View } from './view.svelte';

/** The keyboard's way through the window: which row has the focus, and whose menu is open. */
export class Keys {
  field = $state<HTMLInputElement | undefined>();
  menu = $state<RowKey | null>(null);

  readonly #view: View;

  constructor(view: View) {
    this.#view = view;
  }

  /** The id of a row's element. */
  idOf(row: RowKey): string {
    return `row-${row.replace(/[^\w.-]/g, '_')}`;
  }

  showMenu(row: RowKey | null): void {
    this.menu = row;
  }

  press(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing) return;
    const action = keyAction(event, this.#situation());
    if (!action) return;
    event.preventDefault();
    this.#act(action);
  }

  #situation(): Situation {
    const focused = document.activeElement;
    let focus: Situation['focus'] = 'control';
    if (focused === this.field) focus = 'search';
    else if (focused?.hasAttribute('data-row')) focus = 'row';
    else if (focused?.matches('input:not([type=radio]), textarea, select')) focus = 'field';
    else if (focused === null || focused === document.body) focus = 'page';
    return {
      focus,
      searching: this.#view.query !== '',
      selected: this.#view.selected !== null,
      picked: this.#view.picked.favourites.length > 0,
      looking: this.#view.searching,
      away: this.#view.page !== 'lists',
      covered: this.menu !== null || document.querySelector('dialog[open], [role=menu]') !== null,
    };
  }

  #act(action: KeyAction): void {
    const view = this.#view;
    switch (action.do) {
      case 'focusSearch':
        this.field?.select();
        this.field?.focus();
        break;
      case 'type':
        view.find(view.query + action.text);
        this.field?.focus();
        break;
      case 'clearSearch':
        view.find('');
        this.field?.focus();
        break;
      case 'goBack':
        view.turnTo('lists');
        break;
      case 'settings':
        view.turnTo('settings');
        break;
      case 'history':
        view.turnTo('history');
        break;
      case 'closeWindow':
        void view.closeWindow();
        break;
      case 'move':
        void this.goTo(moved(view.rows, view.selected, action.to));
        break;
      case 'connect':
        if (view.picked.favourites.length > 0) void view.askForAll(view.picked.favourites, false);
        else if (view.selected) view.connectRow(view.selected);
        else void view.connectBest();
        break;
      case 'extend':
        if (view.selected) view.extendRow(view.selected);
        break;
      case 'edit':
        view.editRow(view.selected);
        break;
      case 'shift':
        if (view.selected) void this.move(view.selected, action.by);
        break;
      case 'pick':
        if (view.selected) view.pickRow(view.selected);
        break;
      case 'pickNone':
        view.picked.clear();
        break;
      case 'menu':
        if (view.selected?.startsWith('favourite:')) this.menu = view.selected;
        break;
    }
  }

  /** Moves a favourite up or down; it stays what is meant. */
  async move(row: RowKey, by: -1 | 1): Promise<void> {
    this.#view.moveRow(row, by);
    await this.goTo(row);
  }

  /** Selects a row. The focus goes along, unless it is in the search field, where typing goes on. */
  async goTo(row: RowKey | null): Promise<void> {
    if (row === null) return;
    this.#view.select(row);
    await tick();
    const element = document.getElementById(this.idOf(row));
    element?.scrollIntoView({ block: 'nearest' });
    if (document.activeElement !== this.field || !this.#view.searching) element?.focus();
  }
}
