// See guest.hpp.
#include "guest.hpp"

namespace campaign::test {

Guest::Guest(const ServingPipeline& server, const std::string& campaign, GuestQualities qualities)
    : server_(server) {
  bin_ = gst_parse_bin_from_description(
      "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=30/1 ! queue name=out", TRUE,
      nullptr);
  gst_bin_add(GST_BIN(server_.pipeline()), bin_);
  pad_ = gst_element_request_pad_simple(server_.sink(), "sink_%u");
  g_object_set(pad_, "campaign", campaign.c_str(), "quality", qualities.only, "ladder", qualities.ladder,
               nullptr);
  GstPad* source = gst_element_get_static_pad(bin_, "src");
  linked_ = gst_pad_link(source, pad_) == GST_PAD_LINK_OK;
  gst_object_unref(source);
  gst_element_sync_state_with_parent(bin_);
}

Guest::~Guest() {
  gst_object_ref(bin_);
  gst_element_set_locked_state(bin_, TRUE);
  gst_element_set_state(bin_, GST_STATE_NULL);
  gst_element_release_request_pad(server_.sink(), pad_);
  gst_object_unref(pad_);
  gst_bin_remove(GST_BIN(server_.pipeline()), bin_);
  gst_object_unref(bin_);
}

}  // namespace campaign::test
