// A picture under a box of 1:2: the inside moves it, a corner resizes it, and so do keys.
//
// What is sent: the traits across, down and size in one update, once a frame at most.

const SVG = "http://www.w3.org/2000/svg";
const LONGEST = 300; // pixels of the longer side on the page
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEP = 3; // pixels on the page a key moves the box, and its width changes; with Shift BIG times as many
const BIG = 5;
const GROWTH = { "+": 1, "=": 1, "-": -1, _: -1 }; // with and without Shift, on most keyboards
const REACH = 11; // pixels around a corner within which a pointer takes hold of it

function make(name, attributes, parent) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent?.append(element);
  return element;
}

const clamp = (value, least, most) => Math.min(Math.max(value, least), Math.max(least, most));
const percent = (share) => `${Math.round(100 * share)} %`;

function render({ model, el }) {
  const figure = document.createElement("figure");
  figure.className = "momi-figure momi-crop";
  const caption = document.createElement("figcaption");
  caption.textContent = "drag the box, or a corner";
  const svg = make("svg", {}, null);
  figure.append(svg, caption);
  el.append(figure);
  const image = make("image", { role: "img" }, svg);
  const pale = make("path", { class: "momi-pale", "fill-rule": "evenodd" }, svg);
  const box = make("g", { class: "momi-box", tabindex: 0, role: "slider", "aria-roledescription": "crop box" }, svg);
  box.setAttribute("aria-label", "Crop box. Arrow keys move it, with Shift further; plus and minus resize it");
  const edges = ["momi-under", "momi-over"].map((name) => make("rect", { class: name }, box));
  const corners = [[0, 0], [1, 0], [0, 1], [1, 1]].map(([right, low]) => {
    const cursor = right === low ? "nwse-resize" : "nesw-resize";
    const corner = make("g", { class: "momi-corner", style: `cursor: ${cursor}` }, box);
    make("rect", { x: -REACH, y: -REACH, width: 2 * REACH, height: 2 * REACH, class: "momi-reach" }, corner);
    make("rect", { x: -5, y: -5, width: 10, height: 10, class: "momi-grip" }, corner);
    corner.dataset.corner = `${right}${low}`;
    return { corner, right, low };
  });

  let [W, H] = [1, 2]; // of the picture on the page
  let held = null; // what a pointer does to the box
  let frame = 0;
  let address = "";

  const largest = () => Math.min(W, H / 2);
  function place() { // left, top and width of the box on the page
    const width = largest() * model.get("size");
    return [(W - width) * model.get("across"), (H - 2 * width) * model.get("down"), width];
  }

  function go(left, top, width) {
    const w = clamp(width, largest() * model.get("least"), largest());
    const free = [W - w, H - 2 * w];
    const share = (value, room, before) => (room > 0.01 ? clamp(value / room, 0, 1) : before);
    const round = (value) => Math.round(value * 1e4) / 1e4;
    model.set({
      size: round(w / largest()),
      across: round(share(left, free[0], model.get("across"))),
      down: round(share(top, free[1], model.get("down"))),
    });
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      model.save_changes();
    });
  }

  function draw() {
    const [left, top, width] = place();
    for (const edge of edges) {
      for (const [key, value] of Object.entries({ x: left, y: top, width, height: 2 * width })) {
        edge.setAttribute(key, value);
      }
    }
    pale.setAttribute("d", `M0 0H${W}V${H}H0ZM${left} ${top}h${width}v${2 * width}h${-width}Z`);
    for (const { corner, right, low } of corners) {
      corner.setAttribute("transform", `translate(${left + right * width} ${top + 2 * low * width})`);
    }
    box.setAttribute("aria-valuemin", Math.round(100 * model.get("least")));
    box.setAttribute("aria-valuemax", 100);
    box.setAttribute("aria-valuenow", Math.round(100 * model.get("size")));
    const [across, down, size] = ["across", "down", "size"].map((name) => percent(model.get(name)));
    box.setAttribute("aria-valuetext", `${across} across, ${down} down, size ${size}`);
  }

  function show() {
    const scale = LONGEST / Math.max(model.get("width"), model.get("height"));
    [W, H] = [model.get("width") * scale, model.get("height") * scale];
    svg.setAttribute("viewBox", `0 0 ${W} ${H}`);
    for (const element of [svg, image]) {
      element.setAttribute("width", W);
      element.setAttribute("height", H);
    }
    figure.style.width = `${Math.max(W, 150)}px`;
    if (address) URL.revokeObjectURL(address);
    address = model.get("picture").byteLength
      ? URL.createObjectURL(new Blob([model.get("picture")], { type: "image/jpeg" })) : "";
    image.setAttribute("href", address);
    image.setAttribute("aria-label", `your picture ${model.get("name")}`);
    draw();
  }

  function point(event) {
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    return [x, y];
  }

  function moving(x, y) {
    const [left, top, width] = place();
    return (toX, toY) => go(left + toX - x, top + toY - y, width);
  }

  function resizing(x, y, right, low) { // the opposite corner stays
    const [left, top, width] = place();
    const [fixedX, fixedY] = [left + (1 - right) * width, top + 2 * (1 - low) * width];
    const room = Math.min(right ? W - fixedX : fixedX, (low ? H - fixedY : fixedY) / 2);
    const [offX, offY] = [left + right * width - x, top + 2 * low * width - y];
    return (toX, toY) => {
      const wide = (toX + offX - fixedX) * (right ? 1 : -1);
      const high = (toY + offY - fixedY) * (low ? 1 : -1);
      const w = clamp(Math.max(wide, high / 2), largest() * model.get("least"), room);
      go(right ? fixedX : fixedX - w, low ? fixedY : fixedY - 2 * w, w);
    };
  }

  box.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    event.preventDefault();
    const [x, y] = point(event);
    const corner = event.target.closest("[data-corner]")?.dataset.corner;
    held = corner ? resizing(x, y, +corner[0], +corner[1]) : moving(x, y);
    box.setPointerCapture(event.pointerId);
    box.focus({ preventScroll: true });
    box.classList.add("momi-held");
  });
  box.addEventListener("pointermove", (event) => held?.(...point(event)));
  for (const kind of ["pointerup", "pointercancel"]) {
    box.addEventListener(kind, () => {
      held = null;
      box.classList.remove("momi-held");
    });
  }
  box.addEventListener("keydown", (event) => {
    const [left, top, width] = place();
    const by = STEPS[event.key];
    const growth = GROWTH[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (by) {
      const step = STEP * (event.shiftKey ? BIG : 1);
      go(clamp(left + step * by[0], 0, W - width), clamp(top + step * by[1], 0, H - 2 * width), width);
    } else if (growth) { // about its middle
      const w = clamp(width + STEP * growth, largest() * model.get("least"), largest());
      go(left + (width - w) / 2, top + width - w, w);
    } else return;
    event.preventDefault();
  });

  model.on("change:picture", show);
  model.on("change:across change:down change:size", draw);
  show();
  return () => {
    cancelAnimationFrame(frame);
    model.off("change:picture", show);
    model.off("change:across change:down change:size", draw);
    if (address) URL.revokeObjectURL(address);
  };
}

export default { render };
