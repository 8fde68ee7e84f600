// See encoder.hpp. A hardware encoder's plugin may be installed where the hardware is not: only an element
// that reached READY counts.
#include "encoder.hpp"

namespace campaign {
namespace {

void apply_settings(GstElement* element, std::string_view settings) {
  while (!settings.empty()) {
    const auto space = settings.find(' ');
    const std::string_view setting = settings.substr(0, space);
    settings = space == settings.npos ? std::string_view{} : settings.substr(space + 1);
    const auto equals = setting.find('=');
    const std::string name(setting.substr(0, equals)), value(setting.substr(equals + 1));
    if (g_object_class_find_property(G_OBJECT_GET_CLASS(element), name.c_str()))
      gst_util_set_object_arg(G_OBJECT(element), name.c_str(), value.c_str());
  }
}

// Looked for first, since GStreamer warns of a factory that is not there.
Ref<GstElement> try_open(const EncoderProfile& profile) {
  const auto factory = adopt(gst_element_factory_find(std::string(profile.factory).c_str()));
  auto element = factory ? sink(gst_element_factory_create(factory.get(), nullptr)) : Ref<GstElement>{};
  if (!element) return {};
  apply_settings(element.get(), profile.settings);
  const bool opens = gst_element_set_state(element.get(), GST_STATE_READY) != GST_STATE_CHANGE_FAILURE;
  gst_element_set_state(element.get(), GST_STATE_NULL);
  if (!opens) return {};
  return element;
}

std::string install(const EncoderProfile& profile) {
  return "apt-get install " + std::string(profile.package);
}

}  // namespace

Result<OpenEncoder> open_encoder(Codec codec, const std::string& wanted) {
  if (!wanted.empty()) {
    const EncoderProfile* profile = find_encoder_profile(wanted);
    if (!profile || profile->codec != codec) {
      std::string known;
      for (const auto& candidate : encoder_profiles(codec))
        known += (known.empty() ? "" : ", ") + std::string(candidate.factory);
      return Error::invalid("The property encoder for codec " + std::string(codec_name(codec)),
                            "one of " + known, "\"" + wanted + "\"");
    }
    if (auto element = try_open(*profile)) return OpenEncoder{profile, element};
    const bool installed = adopt(gst_element_factory_find(wanted.c_str())).get() != nullptr;
    if (installed)
      return Error("The encoder " + wanted +
                   " does not open on this machine; leave the property encoder "
                   "unset to take one that does.");
    return Error("The encoder " + wanted + " is not installed; install it with: " + install(*profile));
  }

  std::string tried, last_install;
  for (const EncoderProfile& profile : encoder_profiles(codec)) {
    if (auto element = try_open(profile)) return OpenEncoder{&profile, element};
    tried += (tried.empty() ? "" : ", ") + std::string(profile.factory);
    if (profile.codec != Codec::h264 || profile.factory == "x264enc") last_install = install(profile);
  }
  return Error("There is no " + std::string(codec_name(codec)) +
                   " encoder that opens on this machine; install "
                   "one with: " +
                   last_install,
               "tried " + tried);
}

void set_bitrate(const OpenEncoder& encoder, std::uint64_t bits_per_second) {
  const EncoderProfile& profile = *encoder.profile;
  const std::uint32_t units = bitrate_in_units(profile, bits_per_second);
  if (profile.bitrate_property.empty()) {
    GstStructure* controls = gst_structure_new("controls", "video_bitrate", G_TYPE_INT, int(units),
                                               "repeat_sequence_header", G_TYPE_INT, 1, nullptr);
    g_object_set(encoder.element.get(), "extra-controls", controls, nullptr);
    gst_structure_free(controls);
    return;
  }
  gst_util_set_object_arg(G_OBJECT(encoder.element.get()), std::string(profile.bitrate_property).c_str(),
                          std::to_string(units).c_str());
}

void set_key_interval(const OpenEncoder& encoder, unsigned frames) {
  const std::string name(encoder.profile->key_interval_property);
  if (!name.empty() && g_object_class_find_property(G_OBJECT_GET_CLASS(encoder.element.get()), name.c_str()))
    gst_util_set_object_arg(G_OBJECT(encoder.element.get()), name.c_str(), std::to_string(frames).c_str());
}

}  // namespace campaign
