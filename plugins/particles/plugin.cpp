#include <gst/gst.h>

#include "gstparticlepack.hpp"
#include "gstparticlerender.hpp"
#include "gstparticlesrc.hpp"

static gboolean plugin_init(GstPlugin* plugin) {
  return gst_element_register(plugin, "particlesrc", GST_RANK_NONE, GST_TYPE_PARTICLE_SRC) &&
         gst_element_register(plugin, "particlerender", GST_RANK_NONE, GST_TYPE_PARTICLE_RENDER) &&
         gst_element_register(plugin, "particlepack", GST_RANK_NONE, GST_TYPE_PARTICLE_PACK);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, particles, "Live particle worlds", plugin_init,
                  PACKAGE_VERSION, "LGPL", "gst-campaign", "gst-campaign")
