// One viewer's session between a real webrtcbin and another: what is left of it when it has been closed, at
// whichever stage.
#include "viewer/session.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "util/weak_ref.hpp"
#include "viewer/ice/webrtc_ice.hpp"
#include "viewer/ice_agent.hpp"
#include "viewer/joined_threads.hpp"
#include "wait.hpp"
#include "webrtc_peer.hpp"

namespace campaign::viewer {
namespace {

using test::wait_until;
using test::WebRtcPeer;

// A viewer's session, and the viewer.
class SessionUnderTest {
 public:
  // `offered` is called on webrtcbin's own thread, which sets the local description after that.
  SessionUnderTest(std::shared_ptr<IceThread> ice_thread, Ref<GstTaskPool> threads,
                   std::function<void()> offered) {
    SessionSettings settings;
    settings.peer = "viewer";
    settings.clock = adopt(gst_system_clock_obtain());
    settings.threads = std::move(threads);
    settings.ice_thread = std::move(ice_thread);
    Session::Events events;
    events.offer = [this, offered = std::move(offered)](std::string sdp) {
      offer_.set_value(std::move(sdp));
      if (offered) offered();
    };
    events.candidate = [this](signalling::IceCandidate candidate) {
      candidates_.with([&](auto& candidates) { candidates.push_back(std::move(candidate)); });
    };
    events.connected = [this] { connected_ = true; };
    events.heard = [] {};
    events.changed = [](std::string, std::string) {};
    events.latency_changed = [] {};
    events.fits = [](std::string, std::string) {};
    events.failed = [](signalling::Refusal refusal) { ADD_FAILURE() << refusal.message; };
    events.payloader_setup = [](GstElement*) {};
    events.webrtcbin_ready = [this](GstElement* webrtcbin) {
      webrtcbin_ = webrtcbin;
      follow(webrtcbin);
      g_signal_connect(webrtcbin, "deep-element-added",
                       G_CALLBACK(+[](GstBin*, GstBin*, GstElement* element, gpointer self) {
                         static_cast<SessionUnderTest*>(self)->follow(element);
                       }),
                       this);
    };
    session_ = std::make_shared<Session>(std::move(settings), std::move(events));
  }
  ~SessionUnderTest() { close(); }

  bool start() { return bool(session_->start()); }
  std::string offer() {
    auto offer = offer_.get_future();
    return offer.wait_for(std::chrono::seconds(20)) == std::future_status::ready ? offer.get() : "";
  }
  bool take_answer(const std::string& sdp) { return bool(session_->take_answer(sdp)); }
  bool connected() const { return connected_; }
  GstElement* webrtcbin() const { return webrtcbin_; }
  void trickle(WebRtcPeer& peer) {
    for (const auto& [line, candidate] : peer.candidates()) (void)session_->take_candidate({candidate, line});
    for (const auto& each : candidates_.with([](auto& all) { return std::exchange(all, {}); }))
      peer.add_candidate(each.sdp_m_line_index, each.candidate);
  }

  void close() {
    if (!session_) return;
    session_->close();
    session_.reset();
  }
  // The names of elements within webrtcbin that are there still.
  std::vector<std::string> left_behind() {
    return elements_.with([](const auto& elements) {
      std::vector<std::string> left;
      for (const auto& [name, element] : elements)
        if (element->get()) left.push_back(name);
      return left;
    });
  }

 private:
  void follow(GstElement* element) {
    elements_.with([&](auto& elements) {
      elements.emplace_back(GST_OBJECT_NAME(element), std::make_unique<WeakRef<GstElement>>(element));
    });
  }

  std::shared_ptr<Session> session_;
  GstElement* webrtcbin_ = nullptr;  // borrowed from the session
  std::promise<std::string> offer_;
  std::atomic<bool> connected_ = false;
  Guarded<std::vector<signalling::IceCandidate>> candidates_;
  Guarded<std::vector<std::pair<std::string, std::unique_ptr<WeakRef<GstElement>>>>> elements_;
};

// Brings two threads into an order that is rare. When a session is ended, webrtcbin's own thread, which has
// been in offered() until then, sets the local description, reads webrtcbin's state, and brings its
// TransportReceiveBin to that after this has been ended. GStreamer calls nobody there but its log.
class LateStart {
 public:
  LateStart() {
    gst_debug_remove_log_function(gst_debug_log_default);
    gst_debug_add_log_function(on_log, this, nullptr);
    gst_debug_set_threshold_for_name("GST_STATES", GST_LEVEL_DEBUG);
  }
  LateStart(const LateStart&) = delete;
  ~LateStart() {
    gst_debug_unset_threshold_for_name("GST_STATES");
    gst_debug_remove_log_function_by_data(this);
    gst_debug_add_log_function(gst_debug_log_default, nullptr, nullptr);
  }

  void offered() {
    offered_ = true;
    wait([this] { return bool(ending_); });
  }
  bool was_late() const { return late_; }

 private:
  template <class Condition>
  static bool wait(Condition condition) {
    const gint64 deadline = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;
    while (!condition() && g_get_monotonic_time() < deadline) g_usleep(1000);
    return condition();
  }
  static void on_log(GstDebugCategory*, GstDebugLevel, const char*, const char* function, int,
                     GObject* object, GstDebugMessage*, gpointer data) {
    auto* self = static_cast<LateStart*>(data);
    if (!self->offered_) return;
    const std::string_view where = function;
    if (where == "gst_element_set_state_func" && is_a(object, "GstWebRTCBin") &&
        !self->ending_.exchange(true)) {
      wait([&] { return bool(self->about_to_); });
    } else if (where == "gst_element_sync_state_with_parent" && is_a(object, "TransportReceiveBin") &&
               !self->about_to_.exchange(true)) {
      self->late_ = wait([&] { return GST_STATE(GST_ELEMENT(object)) == GST_STATE_NULL; });
    }
  }
  static bool is_a(GObject* object, const char* type) {
    return g_strcmp0(G_OBJECT_TYPE_NAME(object), type) == 0;
  }

  std::atomic<bool> offered_ = false, ending_ = false, about_to_ = false, late_ = false;
};

class SessionEnd : public ::testing::Test {
 protected:
  ~SessionEnd() override {
    ice_thread_->stop();
    viewers_ice_thread_->stop();
    end_threads(threads_.get());
  }

  std::unique_ptr<SessionUnderTest> session(std::function<void()> offered = {}) {
    return std::make_unique<SessionUnderTest>(ice_thread_, threads_, std::move(offered));
  }
  std::unique_ptr<WebRtcPeer> viewer() {
    return std::make_unique<WebRtcPeer>(
        make_webrtcbin("viewer", viewers_ice_thread_),
        [](GstElement* webrtcbin) { configure_ice_agent(webrtcbin, IceSettings{}); });
  }
  static void expect_nothing_left_of(SessionUnderTest& session) {
    EXPECT_TRUE(wait_until([&] { return session.left_behind().empty(); }, 5))
        << testing::PrintToString(session.left_behind());
  }

  const std::shared_ptr<IceThread> ice_thread_ = std::make_shared<IceThread>(),
                                   viewers_ice_thread_ = std::make_shared<IceThread>();
  const Ref<GstTaskPool> threads_ = make_joined_threads();
};

// ICE goes on when the session's elements have ended already and webrtcbin is there still.
TEST_F(SessionEnd, IsTheEndOfWhatIceTellsWebRtcBin) {
  auto session = this->session();
  const auto viewer = this->viewer();
  ASSERT_TRUE(session->start());
  const std::string answer = viewer->answer(session->offer());
  std::promise<void> go_on;
  ice_thread_->post([may = go_on.get_future().share()] { may.wait(); });
  ASSERT_TRUE(session->take_answer(answer + "a=candidate:1 1 UDP 2015363327 127.0.0.1 9 typ host\r\n"));
  auto webrtcbin = share(session->webrtcbin());
  session->close();
  go_on.set_value();
  ice_thread_->call([] {});
  webrtcbin = {};
  expect_nothing_left_of(*session);
}

TEST_F(SessionEnd, IsTheEndOfWhatWebRtcBinStartsMeanwhile) {
  LateStart late_start;
  const auto session = this->session([&] { late_start.offered(); });
  ASSERT_TRUE(session->start());
  ASSERT_FALSE(session->offer().empty());
  session->close();
  EXPECT_TRUE(late_start.was_late());
  expect_nothing_left_of(*session);
}

TEST_F(SessionEnd, LeavesNothingBehindAtAnyStage) {
  std::mt19937 random(20261129);
  for (int i = 0; i < 60; ++i) {
    SCOPED_TRACE(i);
    const auto session = this->session();
    const auto viewer = this->viewer();
    ASSERT_TRUE(session->start());
    const auto until = g_get_monotonic_time() + std::uniform_int_distribution<gint64>(0, 60'000)(random);
    if (i % 6 != 0) {
      const std::string offer = session->offer();
      if (i % 6 != 1) {
        ASSERT_TRUE(session->take_answer(viewer->answer(offer)));
        wait_until([&] {
          session->trickle(*viewer);
          return i % 6 == 2 ? session->connected() : g_get_monotonic_time() >= until;
        });
      }
    }
    session->close();
    expect_nothing_left_of(*session);
  }
}

}  // namespace
}  // namespace campaign::viewer
