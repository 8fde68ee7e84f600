#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_PARTICLE_SRC (gst_particle_src_get_type())
GType gst_particle_src_get_type();

G_END_DECLS
