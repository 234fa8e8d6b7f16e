// What jsdom does not do itself.

Element.prototype.scrollIntoView = () => {};
Element.prototype.getAnimations = () => [];
HTMLCanvasElement.prototype.getContext = () => null;

window.matchMedia = (media) =>
  Object.assign(new EventTarget(), {
    media,
    matches: media === '(prefers-reduced-motion: reduce)',
    onchange: null,
    addListener: () => {},
    removeListener: () => {},
  });

HTMLDialogElement.prototype.showModal = function () {
  this.open = true;
};

HTMLDialogElement.prototype.close = function () {
  this.open = false;
  this.dispatchEvent(new Event('close'));
};

// A list that shows what is in sight wants to know how much room there is: ten rows.
window.ResizeObserver = class {
  readonly #told: ResizeObserverCallback;

  constructor(told: ResizeObserverCallback) {
    this.#told = told;
  }
  observe(target: Element): void {
    const height = target.matches('main') ? 580 : 58;
    const contentRect = { width: 400, height } as DOMRectReadOnly;
    queueMicrotask(() => this.#told([{ target, contentRect } as unknown as ResizeObserverEntry], this));
  }
  unobserve(): void {}
  disconnect(): void {}
};

Object.defineProperty(HTMLElement.prototype, 'offsetParent', {
  get(this: HTMLElement) {
    return this.parentElement;
  },
});
