// See ice_agent.hpp. What is set here are properties of this version's agent and of libnice's below it; one
// that is not there stays as it is.
#include "viewer/ice_agent.hpp"

#include <string>

#include "util/gst_ptr.hpp"

namespace campaign::viewer {
namespace {

// Milliseconds between two checks, of which a viewer waits for three. libnice takes 20, which is most of the
// time between the answer and the handshake; RFC 8445, section 14.2, allows no less than 5.
constexpr const char* kPacing = "5";
// Milliseconds that the agent goes on looking after it has nothing left to do: 5,000 unless said otherwise,
// and 50 is the least. It takes as long to give up a viewer whose candidates are late, so it is set only when
// one of them has been chosen.
constexpr const char* kIdle = "50";

void set_if_present(GObject* object, const char* property, const char* value) {
  if (object && g_object_class_find_property(G_OBJECT_GET_CLASS(object), property))
    gst_util_set_object_arg(object, property, value);
}

Ref<GObject> object_in(gpointer owner, const char* property) {
  if (!owner || !g_object_class_find_property(G_OBJECT_GET_CLASS(owner), property)) return {};
  GObject* object = nullptr;
  g_object_get(owner, property, &object, nullptr);
  return adopt(object);
}

}  // namespace

void configure_ice_agent(GstElement* webrtcbin, const IceSettings& settings) {
  if (!settings.stun_server.empty())
    g_object_set(webrtcbin, "stun-server", settings.stun_server.c_str(), nullptr);
  for (const std::string& turn : settings.turn_servers) {
    gboolean added = FALSE;
    g_signal_emit_by_name(webrtcbin, "add-turn-server", turn.c_str(), &added);
  }
  const auto agent = object_in(webrtcbin, "ice-agent");
  if (!agent) return;
  set_if_present(agent.get(), "ice-tcp", "false");
  const auto nice = object_in(agent.get(), "agent");
  // libnice would look for UPnP routers for every viewer: an HTTP server, multicast sockets and searches
  // each.
  set_if_present(nice.get(), "upnp", "false");
  set_if_present(nice.get(), "stun-pacing-timer", kPacing);
  if (only_loopback()) {  // a viewer on this very machine can still be reached
    gboolean added = FALSE;
    g_signal_emit_by_name(agent.get(), "add-local-ip-address", "127.0.0.1", &added);
  }
  if (settings.max_port != 0) {
    set_if_present(agent.get(), "min-rtp-port", std::to_string(settings.min_port).c_str());
    set_if_present(agent.get(), "max-rtp-port", std::to_string(settings.max_port).c_str());
  }
}

void rest_ice_agent(GstElement* webrtcbin) {
  const auto agent = object_in(webrtcbin, "ice-agent");
  set_if_present(object_in(agent.get(), "agent").get(), "idle-timeout", kIdle);
}

}  // namespace campaign::viewer
