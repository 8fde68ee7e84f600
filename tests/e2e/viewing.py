"""A viewer for the browser tests: Debian's Chromium on the page, with what a person would see of it."""
import os
import tempfile

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains, ScrollOrigin
from selenium.webdriver.common.by import By
from serving import children, end
from waiting import until

FLAGS = [
    "--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
    "--window-size=1280,720", "--autoplay-policy=no-user-gesture-required",
    # Browsers hide loopback and other addresses from WebRTC; here the media stays on loopback.
    "--allow-loopback-in-peer-connection", "--disable-features=WebRtcHideLocalIpsWithMdns",
]
LIVE_S = 20

# The picture as 160 × 90 luma values.
GRAB = """
const video = document.getElementById('video');
const canvas = Object.assign(document.createElement('canvas'), {width: 160, height: 90});
const context = canvas.getContext('2d', {willReadFrequently: true});
context.drawImage(video, 0, 0, 160, 90);
const rgba = context.getImageData(0, 0, 160, 90).data;
const luma = [];
for (let i = 0; i < rgba.length; i += 4)
  luma.push(Math.round(0.2126 * rgba[i] + 0.7152 * rgba[i + 1] + 0.0722 * rgba[i + 2]));
return luma;
"""


class Browser:
    def __init__(self):
        self._profile = tempfile.TemporaryDirectory(prefix="campaign-e2e-", ignore_cleanup_errors=True)
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for flag in FLAGS:
            options.add_argument(flag)
        if os.geteuid() == 0:
            options.add_argument("--no-sandbox")  # Chromium refuses to run as root otherwise
        options.add_argument(f"--user-data-dir={self._profile.name}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self._service = Service("/usr/bin/chromedriver")
        try:
            self.driver = webdriver.Chrome(service=self._service, options=options)
        except BaseException:
            self._end_processes()
            raise
        self.driver.set_page_load_timeout(20)
        self.driver.set_script_timeout(10)

    def open(self, url):
        """The page in the window that is in front."""
        self.driver.get(url)
        return Viewer(self.driver)

    def open_another(self, url):
        self.driver.switch_to.new_window("window")
        return self.open(url)

    def save(self, folder):
        """What every window shows, and what the console says."""
        for index, handle in enumerate(self.driver.window_handles):
            self.driver.switch_to.window(handle)
            self.driver.save_screenshot(str(folder / f"window-{index}.png"))
        log = [f"{entry['level']} {entry['message']}\n" for entry in self.driver.get_log("browser")]
        (folder / "console.txt").write_text("".join(log))

    def close(self):
        try:
            self.driver.quit()
        finally:
            self._end_processes()

    def _end_processes(self):
        process = getattr(self._service, "process", None)
        if process:
            below = children(process.pid)
            self._service.stop()
            end(below)
        self._profile.cleanup()


class Viewer:
    """One window on the page."""

    def __init__(self, driver):
        self._driver = driver
        self._window = driver.current_window_handle

    @property
    def driver(self):
        if self._driver.current_window_handle != self._window:
            self._driver.switch_to.window(self._window)
        return self._driver

    def close(self):
        self.driver.close()
        self._driver.switch_to.window(self._driver.window_handles[0])

    def ask(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    @property
    def known(self):
        """window.campaign, as plain values."""
        return self.ask("const {state, peer, firstFrameMs, stats, server, quality} = window.campaign ?? {};"
                        "return {state, peer, firstFrameMs, stats, server, quality};")

    @property
    def state(self):
        return self.ask("return window.campaign?.state?.name")

    def await_state(self, name, seconds=LIVE_S):
        until(lambda: self.state == name, seconds, f"the page is {name} (it is {self.state})")
        return self

    def text(self, element_id):
        return self.ask("const e = document.getElementById(arguments[0]); return e.checkVisibility({visibilityProperty: true}) ? e.innerText : ''",
                        element_id)

    def element(self, element_id):
        return self.driver.find_element(By.ID, element_id)

    def picture(self):
        return self.ask(GRAB)

    def await_new_frames(self, count=10, seconds=10):
        """So many frames more than now are decoded."""
        def decoded():
            stats = self.known["stats"]
            return stats["framesDecoded"] if stats else 0
        before = decoded()
        until(lambda: decoded() >= before + count, seconds, f"{count} more frames arrived")

    def rate_over(self, seconds):
        """Decoded frames a second, by the browser's counters and the browser's clock."""
        first = until(lambda: self.known["stats"], 10, "the first statistics")
        last = until(lambda: (now := self.known["stats"])["at"] >= first["at"] + seconds * 1000 and now,
                     seconds + 10, f"statistics over {seconds} s", every=0.25)
        return (last["framesDecoded"] - first["framesDecoded"]) / ((last["at"] - first["at"]) / 1000)

    def keys(self, text):
        ActionChains(self.driver).send_keys(text).perform()

    def wake(self):
        """The mouse moves, and the bar comes back."""
        ActionChains(self.driver).move_by_offset(5, 5).move_by_offset(-5, -5).perform()
        until(lambda: self.element("bar").value_of_css_property("opacity") == "1", 5, "the bar is seen")

    def point_in_picture(self, x, y):
        """A place of the picture as an offset from the middle of the video element, in CSS pixels."""
        return self.ask("""
            const video = document.getElementById('video'), box = video.getBoundingClientRect();
            const scale = Math.min(box.width / video.videoWidth, box.height / video.videoHeight);
            return [(arguments[0] - 0.5) * video.videoWidth * scale, (arguments[1] - 0.5) * video.videoHeight * scale]
                .map(Math.round);""", x, y)

    def press(self, x, y):
        dx, dy = self.point_in_picture(x, y)
        ActionChains(self.driver).move_to_element_with_offset(self.element("video"), dx, dy).click_and_hold().perform()

    def release(self):
        ActionChains(self.driver).release().perform()

    def wheel(self, notches):
        """Turns the wheel over the middle of the picture; positive is towards the user, as browsers count."""
        origin = ScrollOrigin.from_element(self.element("video"))
        ActionChains(self.driver).scroll_from_origin(origin, 0, 100 * notches).perform()
