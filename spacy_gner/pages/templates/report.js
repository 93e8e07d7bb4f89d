"use strict";
(function () {
  const PAGE = 50;
  const get = (id) => document.getElementById(id);
  const filters = ["set", "kind", "label", "text"].map((name) => get("filter-" + name));
  const [bySet, byKind, byLabel, byText] = filters;
  const articles = Array.from(document.querySelectorAll("article.error"));
  let shown = PAGE;

  function matches(item) {
    const label = byLabel.value;
    return (!byKind.value || item.dataset.kind === byKind.value) &&
      (!label || item.dataset.gold === label || item.dataset.predicted === label);
  }

  function update() {
    const text = byText.value.toLowerCase();
    let found = 0;
    for (const article of articles) {
      const items = Array.from(article.querySelectorAll("li"));
      let fits = (!bySet.value || article.dataset.set === bySet.value) &&
        (!text || article.textContent.toLowerCase().includes(text));
      let any = false;
      for (const item of items) {
        const hit = matches(item);
        item.classList.toggle("dim", !hit);
        any = any || hit;
      }
      fits = fits && any;
      if (fits) found += 1;
      article.hidden = !fits || found > shown;
    }
    get("filter-count").textContent = found + " of " + articles.length + " sentences";
    get("more").hidden = found <= shown;
  }

  document.querySelector("form.filters").addEventListener("submit", (event) => event.preventDefault());
  for (const filter of filters) {
    filter.addEventListener("input", () => { shown = PAGE; update(); });
  }
  get("more").addEventListener("click", () => { shown += PAGE; update(); });
  update();
})();
