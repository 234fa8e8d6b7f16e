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
