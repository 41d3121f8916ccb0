"""Clips play in a real browser: length, size, every frame at its time in its colours, and over and over again."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import numpy as np
import pytest

from photo3d_video.output.encoding import VideoSpec
from photo3d_video.output.video import VideoWriter

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="Chromium is not installed (apt-get install chromium)")

WIDTH, HEIGHT, FPS = 180, 320, 10
COLOURS = np.array([(200, 40, 40), (40, 160, 60), (50, 70, 190), (230, 210, 60), (128, 128, 128), (30, 150, 170)])
COUNT = len(COLOURS)
SECONDS = COUNT / FPS
# Of 255. The browser loses up to 8 levels; were BT.601 taken for BT.709, these colours would be off by up to 17.
TOLERANCE = 10

VIDEOS = {"h264.mp4": "h264", "av1.mp4": "av1", "vp9.webm": "vp9", "av1.webm": "av1"}
ANIMATIONS = {"c.gif": "gif", "c.webp": "webp"}

PAGE = """<!doctype html><meta charset="utf-8"><script>
const next = (target, name) => new Promise((done, fail) => {
  target.addEventListener(name, done, {once: true});
  target.addEventListener("error", () => fail(target.error.message), {once: true});
});
const brush = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
function colours(picture, width, height) {
  brush.canvas.width = width; brush.canvas.height = height;
  brush.drawImage(picture, 0, 0);
  return [1, 3].map(y => Array.from(brush.getImageData(width / 2, y * height / 4, 1, 1).data.slice(0, 3)));
}
// After "seeked" the picture may still be the one before, or none: on a busy machine it comes later.
function current(video) {
  try { return new VideoFrame(video); } catch { return null; }
}
async function shown(video, time, seconds) {
  for (;;) {
    const picture = current(video);
    if (picture && picture.timestamp / 1e6 <= time && time < picture.timestamp / 1e6 + seconds) return picture;
    picture?.close();
    await new Promise(done => setTimeout(done, 10));
  }
}
async function watch(blob, times) {
  const video = document.createElement("video");
  video.muted = video.loop = true;
  video.src = URL.createObjectURL(blob);
  await next(video, "loadeddata");
  const frames = [], size = [video.videoWidth, video.videoHeight];
  for (const time of times) {
    const found = next(video, "seeked");
    video.currentTime = time;
    await found;
    const picture = await shown(video, time, times[1] - times[0]);
    frames.push(colours(picture, ...size));
    picture.close();
  }
  const again = next(video, "seeking");  // what a loop does at its end
  await video.play();
  await again;
  return {duration: video.duration, size, frames, again: video.currentTime, ended: video.ended};
}
async function leafThrough(blob) {
  const decoder = new ImageDecoder({data: await blob.arrayBuffer(), type: blob.type});
  await decoder.tracks.ready; await decoder.completed;
  const track = decoder.tracks.selectedTrack, frames = [];
  let duration = 0, size;
  for (let frameIndex = 0; frameIndex < track.frameCount; frameIndex++) {
    const {image} = await decoder.decode({frameIndex});
    size = [image.displayWidth, image.displayHeight]; duration += image.duration / 1e6;
    frames.push(colours(image, ...size));
  }
  return {duration, size, frames, endless: track.repetitionCount === Infinity};
}
async function main() {
  const names = await (await fetch("names.json")).json(), found = {};
  for (const [name, times] of Object.entries(names)) {
    try {
      const blob = await (await fetch(name)).blob();
      found[name] = await (blob.type.startsWith("image") ? leafThrough(blob) : watch(blob, times));
    } catch (error) { found[name] = {failed: String(error)}; }
  }
  await fetch("found", {method: "POST", body: JSON.stringify(found)});
}
main();
</script>"""


def frame(i: int) -> np.ndarray:
    """Its own colour above, the next one's below."""
    return np.repeat(COLOURS[[i, (i + 1) % COUNT]], HEIGHT // 2, axis=0)[:, None].repeat(WIDTH, axis=1)


class _Handler(SimpleHTTPRequestHandler):
    extensions_map: ClassVar = {".mp4": "video/mp4", ".webm": "video/webm", ".gif": "image/gif", ".webp": "image/webp",
                      ".html": "text/html", ".json": "application/json"}  # fmt: skip

    def __init__(self, *args: Any, found: queue.Queue[bytes], **options: Any) -> None:
        self.found = found
        super().__init__(*args, **options)

    def do_POST(self) -> None:
        self.found.put(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What the browser says about each file."""
    folder = tmp_path_factory.mktemp("site")
    for name, codec in (VIDEOS | ANIMATIONS).items():
        with VideoWriter(folder / name, VideoSpec(WIDTH, HEIGHT, FPS, codec=codec)) as writer:
            for i in range(COUNT):
                writer.write(frame(i).astype(np.uint8))
    (folder / "page.html").write_text(PAGE)
    times = [(i + 0.5) / FPS for i in range(COUNT)]
    (folder / "names.json").write_text(json.dumps(dict.fromkeys(VIDEOS | ANIMATIONS, times)))
    answer: queue.Queue[bytes] = queue.Queue()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(folder), found=answer))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    assert BROWSER is not None
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage")
    profile = tmp_path_factory.mktemp("profile")
    address = f"http://127.0.0.1:{server.server_port}/page.html"
    # Chromium's parts end with it when their pipe to it closes.
    browser = subprocess.Popen(
        [BROWSER, *options, f"--user-data-dir={profile}", "--remote-debugging-port=0", address],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield json.loads(answer.get(timeout=90))
    finally:
        browser.terminate()
        browser.wait(20)
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("name", [*VIDEOS, *ANIMATIONS])
def test_browser_shows_what_was_written(found: dict[str, Any], name: str) -> None:
    seen = found[name]
    assert "failed" not in seen, seen
    assert seen["size"] == [WIDTH, HEIGHT] and seen["duration"] == pytest.approx(SECONDS, abs=0.02)
    written = np.stack([[frame(i)[0, 0], frame(i)[-1, 0]] for i in range(COUNT)])
    assert np.abs(np.array(seen["frames"]) - written).max() <= TOLERANCE
    if name in VIDEOS:
        assert seen["again"] < SECONDS / 2 and not seen["ended"], "plays again"
    else:
        assert seen["endless"]
