// A skeleton to take hold of, the pose map and the picture that follow it.
//
// What is sent: {type: "edit", number, edits: [{joint, x, y} | {joint, found: false}], settled}. At most AT_ONCE messages
// are on their way; what happens meanwhile is gathered, a joint's last position alone, and sent when an answer has come.
// What is answered: the traits joints, pose, swap and answered (the number) in one update.

const SVG = "http://www.w3.org/2000/svg";
const AT_ONCE = 2; // while one answer is drawn here, the next is computed there
const PATIENCE = 5000; // ms until an answer is given up, for instance because the kernel was interrupted
const REACH = 7; // pixels of the picture within which a pointer takes hold of a joint
const SKELETON = "Skeleton. Tab goes from joint to joint, arrow keys move a joint, Escape leaves.";
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function make(name, attributes = {}, parent = null) {
  const svg = ["svg", "g", "circle", "line", "image", "rect", "text", "title", "defs", "clipPath"].includes(name);
  const element = svg ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent?.append(element);
  return element;
}

function address(bytes) {
  return bytes?.byteLength ? URL.createObjectURL(new Blob([bytes], { type: "image/png" })) : "";
}

// Jupyter listens for its shortcuts before any cell does. Inside the explorer plain keys belong to the explorer; those
// with Ctrl or Meta, and Shift+Enter, stay Jupyter's. The mark is on the element that has the focus, because some
// shortcuts are looked for there first.
function keepKeys(el) {
  const listen = (event) => {
    const root = el.closest(".momi-explorer") ?? el;
    if (!root.contains(event.target)) return;
    const theirs = event.ctrlKey || event.metaKey || (event.shiftKey && event.key === "Enter");
    if (theirs) event.target.removeAttribute("data-lm-suppress-shortcuts");
    else event.target.setAttribute("data-lm-suppress-shortcuts", "true");
  };
  const name = (event) => { // ipywidgets leaves the handle of a slider without a name,
    const slider = event.target.closest?.(".momi-explorer .widget-slider");
    const label = slider?.querySelector(".widget-label")?.textContent;
    if (label && event.target.getAttribute("role") === "slider") event.target.setAttribute("aria-label", label);
    document.querySelectorAll(".momi-explorer .widget-play").forEach((play) => { // and these buttons
      play.querySelectorAll("button").forEach((button, place) => {
        button.title = ["Play or pause the animation", "Stop the animation"][place] ?? button.title;
        button.setAttribute("aria-label", button.title);
      });
    });
  };
  window.addEventListener("keydown", listen, true);
  for (const kind of ["focusin", "pointerover"]) window.addEventListener(kind, name, true);
  return () => {
    window.removeEventListener("keydown", listen, true);
    for (const kind of ["focusin", "pointerover"]) window.removeEventListener(kind, name, true);
  };
}

function figure(parent, kind) {
  const box = make("figure", { class: `momi-figure momi-${kind}` }, parent);
  return { box, canvas: make("canvas", { role: "img" }, box), caption: make("figcaption", {}, box) };
}

function render({ model, el }) {
  const [width, height] = [model.get("width"), model.get("height")];
  const names = model.get("names");
  el.classList.add("momi-stage");
  const editor = make("figure", { class: "momi-figure momi-editor" }, el);
  const svg = make("svg", {
    viewBox: `-0.5 -0.5 ${width} ${height}`,
    role: "application",
  }, editor);
  make("rect", { x: -0.5, y: -0.5, width, height, class: "momi-ground" }, svg);
  const ground = make("image", { x: -0.5, y: -0.5, width, height, class: "momi-behind" }, svg);
  // A limb that is dragged outside ends at the edge of the picture; joints and names at the edge stay whole.
  const clip = `momi-clip-${Math.random().toString(36).slice(2)}`;
  make("rect", { x: -0.5, y: -0.5, width, height }, make("clipPath", { id: clip }, make("defs", {}, svg)));
  const inside = make("g", { "clip-path": `url(#${clip})`, class: "momi-limbs" }, svg);
  const hint = make("figcaption", {}, editor);
  const live = make("div", { class: "momi-unseen", role: "status", "aria-live": "polite" }, el);
  const pose = figure(el, "pose");
  const swap = figure(el, "swap");

  const limbs = model.get("limbs").map(([a, b, side]) => {
    const under = make("line", { class: "momi-limb momi-under" }, inside);
    const over = make("line", { class: `momi-limb momi-${side}` }, inside);
    over.style.stroke = side === "middle" ? "" : model.get("colours")[b];
    return { a, b, lines: [under, over] };
  });
  const name = make("text", { class: "momi-name", "aria-hidden": "true" });
  const handles = names.map((_, joint) => {
    const handle = make("g", { class: "momi-joint", tabindex: 0, role: "button", "aria-roledescription": "joint" }, svg);
    handle.dataset.joint = joint;
    make("circle", { class: "momi-ring", r: 3.6 }, handle);
    make("circle", { class: "momi-dot", r: 1.7 }, handle).style.fill = model.get("colours")[joint];
    return handle;
  });
  svg.append(name);

  let joints = model.get("joints").map((joint) => [...joint]);
  let number = model.get("answered");
  let sent = []; // the numbers on their way, the oldest first
  let sentAt = 0;
  let frame = 0;
  let held = null;
  let wanted = new Map();
  let flying = new Map(); // what was asked for and is not answered yet
  let settled = false;
  let movedAt = 0;
  const times = new Map(); // number → when the last movement in it happened

  const enabled = () => model.get("enabled");
  const clamp = (value, most) => Math.min(Math.max(value, 0), most);

  // Where a joint is shown: of one outside of the picture, where its limb leaves the picture, so that it can be taken
  // hold of there.
  function seen(joint) {
    const [x, y] = joints[joint];
    const at = [clamp(x, width - 1), clamp(y, height - 1)];
    const limb = model.get("limbs").find(([a, b]) => b === joint && joints[a][2]);
    if (!limb || (at[0] === x && at[1] === y)) return at;
    const [px, py] = joints[limb[0]];
    if (px !== clamp(px, width - 1) || py !== clamp(py, height - 1)) return at;
    const share = Math.min(...[[x, px, width - 1], [y, py, height - 1]].map(([to, from, most]) => (
      to < 0 ? from / (from - to) : to > most ? (most - from) / (to - from) : 1)));
    return [px + share * (x - px), py + share * (y - py)];
  }

  function place() {
    for (const { a, b, lines } of limbs) {
      const shown = joints[a][2] && joints[b][2];
      for (const line of lines) {
        line.style.display = shown ? "" : "none";
        [["x1", joints[a][0]], ["y1", joints[a][1]], ["x2", joints[b][0]], ["y2", joints[b][1]]]
          .forEach(([key, value]) => line.setAttribute(key, value));
      }
    }
    handles.forEach((handle, joint) => {
      const [x, y, found] = joints[joint];
      const outside = x !== clamp(x, width - 1) || y !== clamp(y, height - 1);
      handle.setAttribute("transform", `translate(${seen(joint).join(" ")})`);
      handle.classList.toggle("momi-absent", !found);
      handle.classList.toggle("momi-outside", found && outside);
      const where = `x ${Math.round(x)}, y ${Math.round(y)}${outside ? ", outside of the picture" : ""}`;
      handle.setAttribute("aria-label", found
        ? `${names[joint]}, ${where}; arrow keys move it, Delete removes it`
        : `${names[joint]}, not found; Enter puts it here`);
    });
    label();
  }

  function label() {
    const joint = held ?? handles.findIndex((handle) => handle.matches(":hover, :focus"));
    name.style.display = joint < 0 ? "none" : "";
    if (joint < 0) return;
    const found = joints[joint][2];
    const [x, y] = seen(joint);
    name.textContent = names[joint] + (found ? "" : " (not found)");
    name.setAttribute("x", x + (x > width / 2 ? -4 : 4));
    name.setAttribute("y", Math.max(y - 4, 4));
    name.setAttribute("text-anchor", x > width / 2 ? "end" : "start");
  }

  function want(edit, isSettled, event) {
    if (!enabled()) return;
    wanted.set(edit.joint, edit);
    settled ||= isSettled;
    movedAt = event?.timeStamp || performance.now();
    if (!(model.get("keep") && "x" in edit)) { // with kept lengths Python says where everything goes
      const joint = joints[edit.joint];
      if ("x" in edit) [joint[0], joint[1], joint[2]] = [edit.x, edit.y, true];
      else joint[2] = false;
      place();
    }
    soon();
  }

  function soon() { // at once where nothing is on its way; a browser sends its events once a frame already
    if (sent.length < AT_ONCE) flush();
    else frame ||= requestAnimationFrame(flush); // for an answer that never comes
  }

  function flush() {
    frame = 0;
    if (!wanted.size && !settled) return;
    if (performance.now() - sentAt >= PATIENCE) sent = [];
    if (sent.length >= AT_ONCE) return;
    number += 1;
    sent.push(number);
    sentAt = performance.now();
    if (wanted.size) times.set(number, movedAt);
    model.send({ type: "edit", number, edits: [...wanted.values()], settled });
    for (const [joint, edit] of wanted) flying.set(joint, { ...edit, number });
    [wanted, settled] = [new Map(), false];
  }

  // Pixels on a canvas: to decode a file, or to fetch the new address of an <img>, takes a busy browser longer.
  function show(target, bytes, says, caption) {
    target.canvas.setAttribute("aria-label", says);
    target.caption.textContent = caption;
    target.box.classList.toggle("momi-empty", !bytes?.byteLength); // not drawn, not read out; its place stays
    if (bytes?.byteLength !== 3 * width * height || bytes === target.bytes) return;
    target.bytes = bytes;
    const picture = new ImageData(width, height);
    for (let from = 0, to = 0; from < bytes.byteLength; from += 3, to += 4) {
      for (let colour = 0; colour < 3; colour += 1) picture.data[to + colour] = bytes.getUint8(from + colour);
      picture.data[to + 3] = 255;
    }
    [target.canvas.width, target.canvas.height] = [width, height];
    target.canvas.getContext("2d").putImageData(picture, 0, 0);
  }

  function answer() {
    const answered = model.get("answered");
    const mine = sent.length > 0 && answered >= sent[0];
    const roundTrip = performance.now() - sentAt;
    sent = sent.filter((one) => one > answered);
    for (const [joint, edit] of flying) if (edit.number <= answered || !sent.length) flying.delete(joint);
    // With free lengths the hand is ahead of the answer, and what it holds stays where it is.
    const ahead = (joint) => !model.get("keep") && (wanted.has(joint) || flying.has(joint));
    joints = model.get("joints").map((told, joint) => (ahead(joint) ? joints[joint] : [...told]));
    place();
    show(pose, model.get("pose"), model.get("pose_says"), model.get("pose_title"));
    show(swap, model.get("swap"), model.get("swap_says"), model.get("swap_title"));
    if (!mine) return;
    if (document.activeElement?.dataset?.joint !== undefined) speak(+document.activeElement.dataset.joint);
    soon();
    const since = times.get(answered);
    if (since !== undefined) {
      for (const old of times.keys()) if (old <= answered) times.delete(old);
      requestAnimationFrame(() => { // the frame that shows it
        const detail = { number: answered, milliseconds: performance.now() - since, roundTrip };
        el.dispatchEvent(new CustomEvent("momi-drawn", { bubbles: true, detail }));
      });
    }
  }

  function speak(joint) {
    const [x, y, found] = joints[joint];
    live.textContent = found ? `${names[joint]}, x ${Math.round(x)}, y ${Math.round(y)}` : `${names[joint]} removed`;
  }

  function point(event) {
    const where = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    return [clamp(where.x, width - 1), clamp(where.y, height - 1)].map((value) => Math.round(value * 10) / 10);
  }

  svg.addEventListener("pointerdown", (event) => {
    if (!enabled() || event.button) return;
    const [x, y] = point(event);
    const far = joints.map((_, joint) => Math.hypot(seen(joint)[0] - x, seen(joint)[1] - y));
    const nearest = far.indexOf(Math.min(...far));
    if (far[nearest] > REACH) return;
    event.preventDefault();
    held = nearest;
    svg.setPointerCapture(event.pointerId);
    handles[held].focus({ preventScroll: true });
    handles[held].classList.add("momi-held");
    label();
  });
  svg.addEventListener("pointermove", (event) => {
    if (held === null) return label();
    const [x, y] = point(event);
    want({ joint: held, x, y }, false, event);
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    svg.addEventListener(kind, () => {
      if (held === null) return;
      handles[held].classList.remove("momi-held");
      held = null;
      settled = true;
      soon();
    });
  }
  svg.addEventListener("dblclick", (event) => {
    const joint = +(event.target.closest("[data-joint]")?.dataset.joint ?? -1);
    if (joint >= 0) want({ joint, found: false }, true, event);
  });
  svg.addEventListener("focusin", label);
  svg.addEventListener("focusout", label);
  svg.addEventListener("keydown", (event) => {
    const joint = +(event.target.dataset?.joint ?? -1);
    if (joint < 0) return;
    const [dx, dy] = STEPS[event.key] ?? [0, 0];
    const [x, y, found] = joints[joint];
    if (dx || dy) {
      const from = wanted.get(joint) ?? flying.get(joint) ?? { x, y }; // a quick second press adds to the first
      const step = event.shiftKey ? 4 : 1;
      want({ joint, x: clamp((from.x ?? x) + step * dx, width - 1), y: clamp((from.y ?? y) + step * dy, height - 1) },
        false, event);
    } else if (event.key === "Enter" || event.key === " ") {
      if (!found) want({ joint, x: clamp(x, width - 1), y: clamp(y, height - 1) }, true, event);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      if (found) want({ joint, found: false }, true, event);
    } else if (event.key === "Escape") {
      swap.box.setAttribute("tabindex", -1);
      swap.box.focus({ preventScroll: true });
    } else return;
    event.preventDefault();
  });
  svg.addEventListener("keyup", (event) => {
    if (!(event.key in STEPS)) return;
    settled = true;
    soon();
  });

  // A method that takes no pose: the target's picture alone, and why. What is not displayed has no place among the tabs.
  function bare() {
    const skeleton = model.get("skeleton");
    svg.classList.toggle("momi-bare", !skeleton);
    svg.setAttribute("role", skeleton ? "application" : "img");
    svg.setAttribute("aria-label", skeleton ? SKELETON : `The target's picture, without a skeleton: ${model.get("hint")}`);
    hint.textContent = model.get("hint");
  }

  function behind() {
    const before = ground.getAttribute("href");
    ground.setAttribute("href", address(model.get("behind")));
    if (before) URL.revokeObjectURL(before);
  }

  model.on("change:behind", behind);
  model.on("change", answer);
  model.on("change:skeleton", bare);
  model.on("change:hint", bare);
  const release = keepKeys(el);
  behind();
  bare();
  place();
  answer();
  return () => {
    release();
    model.off("change:behind", behind);
    model.off("change", answer);
    model.off("change:skeleton", bare);
    model.off("change:hint", bare);
  };
}

export default { render };
