// A file input that looks like a button, and sends a picture that is not too large.
//
// What is sent: {type: "file", name} and one buffer.

async function shrunk(file, longest, most) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, longest / Math.max(picture.width, picture.height));
  if (scale === 1 && file.size <= most) return file;
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#808080"; // JPEG knows no transparency; the ground of momi_lib.data.reading
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.95));
  if (!blob) throw new Error("the canvas gave no picture");
  return blob;
}

function render({ model, el }) {
  el.classList.add("momi-upload");
  const label = document.createElement("label");
  label.className = "jupyter-button widget-button momi-button";
  const input = document.createElement("input");
  input.type = "file";
  input.className = "momi-unseen";
  input.accept = model.get("accept").join(",");
  const status = document.createElement("span");
  status.setAttribute("role", "status");
  label.append(input, model.get("description"));
  el.append(label, status);

  input.addEventListener("change", async () => {
    const file = input.files[0];
    if (!file) return;
    status.textContent = `reading ${file.name} …`;
    input.disabled = true;
    const most = model.get("most");
    try {
      let content = file.slice(0, most); // what cannot be read here: the kernel says what is wrong with it
      if (model.get("accept").includes(file.type)) {
        content = await shrunk(file, model.get("longest"), most).catch(() => content);
      }
      model.send({ type: "file", name: file.name }, undefined, [await content.arrayBuffer()]);
      status.textContent = "";
    } catch (error) {
      status.textContent = `⚠ ${file.name}: cannot be read (${error.message}); choose it again.`;
    } finally {
      input.disabled = false;
      input.value = ""; // the same file can be chosen again
      input.focus();
    }
  });
}

export default { render };
