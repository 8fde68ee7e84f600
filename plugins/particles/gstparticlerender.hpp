// particlerender: the state of a world in, video of any size out.
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_PARTICLE_RENDER (gst_particle_render_get_type())
GType gst_particle_render_get_type(void);

G_END_DECLS
