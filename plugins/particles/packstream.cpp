#include "packstream.hpp"

#include <string>

namespace campaign {

Result<void> PackStream::set_caps(const GstCaps* states, const GstCaps* wanted) {
  struct {
    gint particles = 0, num = 0, den = 1;
  } in, out;
  for (auto [caps, to] : {std::pair{states, &in}, {wanted, &out}}) {
    const GstStructure* structure = gst_caps_get_structure(caps, 0);
    if (!gst_structure_get_int(structure, "particles", &to->particles) ||
        !gst_structure_get_fraction(structure, "framerate", &to->num, &to->den)) {
      return Error("The caps of particle states say how many particles and how many a second.");
    }
  }
  const int faster = gst_util_fraction_compare(out.num, out.den, in.num, in.den);
  if (in.num > 0 && faster > 0) {
    return Error::invalid(
        "The number of updates a second",
        "at most that of the states that come, " + std::to_string(in.num) + "/" + std::to_string(in.den),
        std::to_string(out.num) + "/" + std::to_string(out.den));
  }
  if (out.particles > in.particles) {
    return Error::invalid("The number of particles in an update",
                          "at most that of the world, " + std::to_string(in.particles),
                          std::to_string(out.particles));
  }
  particles = static_cast<uint32_t>(out.particles);
  pace.set_rate(out.num, out.den, faster == 0);
  return {};
}

void PackStream::restart() {
  pace.restart();
  discont = true;
}

void PackStream::stamp(GstBuffer* out, GstBuffer* in, GstClockTime duration, bool key) {
  gst_buffer_copy_into(out, in, GST_BUFFER_COPY_TIMESTAMPS, 0, static_cast<gsize>(-1));
  GST_BUFFER_DURATION(out) = duration;
  GST_BUFFER_OFFSET(out) = updates;
  GST_BUFFER_OFFSET_END(out) = ++updates;
  if (!key) GST_BUFFER_FLAG_SET(out, GST_BUFFER_FLAG_DELTA_UNIT);
  if (std::exchange(discont, false)) GST_BUFFER_FLAG_SET(out, GST_BUFFER_FLAG_DISCONT);
}

}  // namespace campaign
