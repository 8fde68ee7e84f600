// campaignsink's signals: what it tells the application, and what the application may ask of it.
#include "campaign/nodes/node_record.hpp"
#include "campaignsink.hpp"

guint gst_campaign_sink_signals[N_SIGNALS];

namespace campaign {
namespace {

void install_notices(GObjectClass* klass) {
  const auto add = [klass](const char* name, GType first, GType second) {
    return g_signal_new(name, G_TYPE_FROM_CLASS(klass), G_SIGNAL_RUN_LAST, 0, nullptr, nullptr, nullptr,
                        G_TYPE_NONE, 2, first, second);
  };
  /**
   * GstCampaignSink::viewer-added: (peer, campaign) a viewer has been welcomed; on the server's thread.
   */
  gst_campaign_sink_signals[SIGNAL_VIEWER_ADDED] = add("viewer-added", G_TYPE_STRING, G_TYPE_STRING);
  /**
   * GstCampaignSink::viewer-removed: (peer, campaign) it is gone; on the server's thread.
   */
  gst_campaign_sink_signals[SIGNAL_VIEWER_REMOVED] = add("viewer-removed", G_TYPE_STRING, G_TYPE_STRING);
  /**
   * GstCampaignSink::encoder-setup: (pad, encoder) before the encoder is used, in NULL.
   */
  gst_campaign_sink_signals[SIGNAL_ENCODER_SETUP] = add("encoder-setup", GST_TYPE_PAD, GST_TYPE_ELEMENT);
  /**
   * GstCampaignSink::payloader-setup: (peer, payloader) before a viewer's payloader is used.
   */
  gst_campaign_sink_signals[SIGNAL_PAYLOADER_SETUP] = add("payloader-setup", G_TYPE_STRING, GST_TYPE_ELEMENT);
  /**
   * GstCampaignSink::webrtcbin-ready: (peer, webrtcbin) before a viewer's connection is negotiated.
   */
  gst_campaign_sink_signals[SIGNAL_WEBRTCBIN_READY] = add("webrtcbin-ready", G_TYPE_STRING, GST_TYPE_ELEMENT);
  /**
   * GstCampaignSink::http-server-setup: (server) before it listens, for further handlers (which run on the
   * server's own thread); on the server's thread.
   */
  gst_campaign_sink_signals[SIGNAL_HTTP_SERVER_SETUP] =
      g_signal_new("http-server-setup", G_TYPE_FROM_CLASS(klass), G_SIGNAL_RUN_LAST, 0, nullptr, nullptr,
                   nullptr, G_TYPE_NONE, 1, SOUP_TYPE_SERVER);
  /**
   * GstCampaignSink::campaign-wanted: (peer, campaign, context) a viewer asks for a campaign that is not here
   * or does not play yet. It waits, for 30 s at most, until a pad brings the campaign or redirect-viewer or
   * refuse-viewer answers it. With nobody connected, it is refused at once. On the server's thread, where
   * nothing must block.
   */
  gst_campaign_sink_signals[SIGNAL_CAMPAIGN_WANTED] =
      g_signal_new("campaign-wanted", G_TYPE_FROM_CLASS(klass), G_SIGNAL_RUN_LAST, 0, nullptr, nullptr,
                   nullptr, G_TYPE_NONE, 3, G_TYPE_STRING, G_TYPE_STRING, G_TYPE_STRING);
}

// What applications ask for, from any thread. Each says whether there was such a viewer.
void install_actions(GObjectClass* klass) {
  const auto add = [klass](const char* name, GCallback handler, GType returns, std::vector<GType> arguments) {
    return g_signal_newv(name, G_TYPE_FROM_CLASS(klass), GSignalFlags(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION),
                         g_cclosure_new(handler, nullptr, nullptr), nullptr, nullptr, nullptr, returns,
                         guint(arguments.size()), arguments.data());
  };
  /**
   * GstCampaignSink::redirect-viewer: (peer, url) sends it to the page of another server.
   */
  gst_campaign_sink_signals[SIGNAL_REDIRECT_VIEWER] =
      add("redirect-viewer",
          G_CALLBACK(+[](GstCampaignSink* self, const char* peer, const char* url) -> gboolean {
            const auto audience = audience_of(self);
            return audience && peer && url && audience->redirect(peer, url);
          }),
          G_TYPE_BOOLEAN, {G_TYPE_STRING, G_TYPE_STRING});
  /**
   * GstCampaignSink::refuse-viewer: (peer, code, message) ends its connection with an error; the code is one
   * of the protocol's.
   */
  gst_campaign_sink_signals[SIGNAL_REFUSE_VIEWER] =
      add("refuse-viewer",
          G_CALLBACK(+[](GstCampaignSink* self, const char* peer, const char* code,
                         const char* message) -> gboolean {
            const auto audience = audience_of(self);
            const auto known = signalling::Refusal::code_of(code ? code : "");
            if (!known) g_warning("refuse-viewer: '%s' is no code of the protocol", code ? code : "");
            return audience && peer && known && audience->refuse(peer, {*known, message ? message : ""});
          }),
          G_TYPE_BOOLEAN, {G_TYPE_STRING, G_TYPE_STRING, G_TYPE_STRING});
  /**
   * GstCampaignSink::remove-viewer: (peer) says bye to it, for good.
   */
  gst_campaign_sink_signals[SIGNAL_REMOVE_VIEWER] =
      add("remove-viewer", G_CALLBACK(+[](GstCampaignSink* self, const char* peer) -> gboolean {
            const auto audience = audience_of(self);
            return audience && peer && audience->remove_viewer(peer);
          }),
          G_TYPE_BOOLEAN, {G_TYPE_STRING});
  /**
   * GstCampaignSink::move-viewer: (peer, campaign, quality) lets it watch that, as if it had asked for it;
   * without a quality, what suits it.
   */
  gst_campaign_sink_signals[SIGNAL_MOVE_VIEWER] =
      add("move-viewer",
          G_CALLBACK(+[](GstCampaignSink* self, const char* peer, const char* name,
                         const char* quality) -> gboolean {
            const auto audience = audience_of(self);
            return audience && peer && name && audience->move(peer, name, quality ? quality : "");
          }),
          G_TYPE_BOOLEAN, {G_TYPE_STRING, G_TYPE_STRING, G_TYPE_STRING});
  /**
   * GstCampaignSink::set-campaign-state: (campaign, json, revision) sends campaign:state:v1:update with this
   * JSON object to everybody who watches the campaign, and to who joins later; NULL is forgotten.
   */
  gst_campaign_sink_signals[SIGNAL_SET_CAMPAIGN_STATE] =
      add("set-campaign-state",
          G_CALLBACK(+[](GstCampaignSink* self, const char* name, const char* json, guint64 revision) {
            const auto audience = audience_of(self);
            if (audience && name) audience->set_state(name, revision, json ? json : "");
          }),
          G_TYPE_NONE, {G_TYPE_STRING, G_TYPE_STRING, G_TYPE_UINT64});
  /**
   * GstCampaignSink::set-other-servers: (urls) servers that show the same campaigns, each as
   * http://host:port: viewers turn to them should this one be gone.
   */
  gst_campaign_sink_signals[SIGNAL_SET_OTHER_SERVERS] =
      add("set-other-servers", G_CALLBACK(+[](GstCampaignSink* self, const char* const* urls) {
            const auto audience = audience_of(self);
            std::vector<std::string> good;  // they end up in a header
            for (; urls && *urls; ++urls) {
              if (nodes::is_node_url(*urls)) {
                good.push_back(*urls);
              } else {
                g_warning("set-other-servers: '%s' is not http://host:port", *urls);
              }
            }
            if (audience) audience->set_other_servers(std::move(good));
          }),
          G_TYPE_NONE, {G_TYPE_STRV});
}

}  // namespace

void install_signals(GObjectClass* klass) {
  install_notices(klass);
  install_actions(klass);
}

}  // namespace campaign
