// Pictures to choose one of: a group of radio buttons, of which one at a time is in the order of the Tab key.

const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 10, PageUp: -10 };

function render({ model, el }) {
  el.classList.add("momi-thumbnails");
  const title = document.createElement("div");
  title.className = "momi-title";
  const strip = document.createElement("div");
  strip.className = "momi-strip";
  strip.setAttribute("role", "radiogroup");
  el.append(title, strip);
  let address = "";

  function fill() {
    if (address) URL.revokeObjectURL(address);
    address = URL.createObjectURL(new Blob([model.get("sheet")], { type: "image/jpeg" }));
    const [width, height, columns] = [model.get("width"), model.get("height"), model.get("columns")];
    strip.setAttribute("aria-label", model.get("title"));
    strip.replaceChildren(...model.get("labels").map((label, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "momi-thumbnail";
      button.setAttribute("role", "radio");
      button.setAttribute("aria-label", label);
      button.title = label;
      button.style.width = `${width}px`;
      button.style.height = `${height}px`;
      button.style.backgroundImage = `url(${address})`;
      button.style.backgroundPosition = `${-(place % columns) * width}px ${-Math.floor(place / columns) * height}px`;
      button.addEventListener("click", () => choose(place));
      return button;
    }));
    mark();
  }

  function mark() {
    const chosen = model.get("place");
    [...strip.children].forEach((button, place) => {
      button.setAttribute("aria-checked", place === chosen);
      button.tabIndex = place === chosen ? 0 : -1;
    });
    title.textContent = `${model.get("title")}: ${model.get("labels")[chosen] ?? ""}`;
    const button = strip.children[chosen];
    if (!button) return;
    const [left, right] = [button.offsetLeft - 40, button.offsetLeft + button.offsetWidth + 40 - strip.clientWidth];
    if (strip.scrollLeft > left) strip.scrollLeft = left;
    else if (strip.scrollLeft < right) strip.scrollLeft = right;
  }

  function choose(place) {
    model.set("place", place);
    model.save_changes();
    mark();
    strip.children[place].focus({ preventScroll: true });
  }

  strip.addEventListener("keydown", (event) => {
    const last = model.get("labels").length - 1;
    const steps = { ...STEPS, Home: -last, End: last };
    if (!(event.key in steps)) return;
    event.preventDefault();
    choose(Math.min(Math.max(model.get("place") + steps[event.key], 0), last));
  });
  const resized = new ResizeObserver(mark); // the strip has no width before it is shown
  resized.observe(strip);
  model.on("change:sheet", fill);
  model.on("change:place", mark);
  fill();
  return () => {
    resized.disconnect();
    model.off("change:sheet", fill);
    model.off("change:place", mark);
    URL.revokeObjectURL(address);
  };
}

export default { render };
