// particlepack: the state of a world in, particle updates for consumers other than GStreamer out.
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_PARTICLE_PACK (gst_particle_pack_get_type())
GType gst_particle_pack_get_type(void);

G_END_DECLS
