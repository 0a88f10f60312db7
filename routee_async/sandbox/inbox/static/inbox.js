// The little that the page does by itself; everything else is the server's and htmx's.
(() => {
  const root = document.documentElement;
  const stored = localStorage.getItem("theme");
  if (stored) root.dataset.theme = stored;

  const isDark = () =>
    (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const isTyping = (element) => element.closest("input, textarea, select, [contenteditable]") !== null;

  const copy = async (button, text) => {
    await navigator.clipboard.writeText(text);
    const before = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = before; }, 1200);
  };

  // The newest message stays in sight, unless the reader has scrolled up.
  let follows = true;
  const bubbles = () => document.getElementById("bubbles");
  const toEnd = () => { const box = bubbles(); if (box && follows) box.scrollTop = box.scrollHeight; };
  document.addEventListener("scroll", (event) => {
    const box = event.target;
    if (box.id === "bubbles") follows = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  }, true);
  document.addEventListener("htmx:after:swap", toEnd);

  const walk = (step) => {
    const links = [...document.querySelectorAll("#threads a.thread")];
    const at = links.indexOf(document.activeElement);
    const current = at >= 0 ? at : links.findIndex((link) => link.getAttribute("aria-current") === "page") - (step > 0 ? 0 : 1);
    links[Math.max(0, Math.min(links.length - 1, at >= 0 ? at + step : current + (step > 0 ? step : 0)))]?.focus();
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.id === "theme") {
      root.dataset.theme = isDark() ? "light" : "dark";
      localStorage.setItem("theme", root.dataset.theme);
    } else if (button.dataset.copy) {
      copy(button, button.dataset.copy);
    } else if (button.dataset.copyFrom) {
      copy(button, document.getElementById(button.dataset.copyFrom).textContent);
    }
  });

  document.addEventListener("keydown", (event) => {
    const field = event.target;
    if (field.matches?.("[data-enter]") && event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      if (field.value.trim()) field.form.requestSubmit();
    } else if (event.key === "Escape" && isTyping(field)) {
      field.blur();
    } else if (isTyping(field) || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    } else if (event.key === "/") {
      event.preventDefault();
      document.getElementById("q").focus();
    } else if (event.key === "j" || event.key === "k") {
      walk(event.key === "j" ? 1 : -1);
    } else if (event.key === "r") {
      const reply = document.getElementById("reply-text");
      if (reply) { event.preventDefault(); reply.focus(); }
    }
  });

  document.addEventListener("htmx:after:request", (event) => {
    const form = event.target.closest?.("form[data-clear]");
    if (form && event.detail.ctx?.response?.raw?.ok) { form.reset(); follows = true; }
  });

  document.addEventListener("DOMContentLoaded", toEnd);
})();
