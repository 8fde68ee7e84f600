// How a codec travels over RTP to browsers: the payloader, and caps that never change during a session, so
// that nothing the encoder does starts a renegotiation. Any thread.
#pragma once

#include "campaign/encoder_profile.hpp"
#include "util/gst_ptr.hpp"
#include "util/result.hpp"

namespace campaign::viewer {

inline constexpr unsigned kPayloadType = 96;
// Of what protects a stream (protection.hpp); webrtcbin chooses others from kPayloadType upwards.
inline constexpr unsigned kRedType = 120, kUlpfecType = 121, kRedRetransmissionType = 122;
inline constexpr unsigned kMtu = 1200;  // fits any path, TURN and VPN headers included

inline constexpr unsigned kTransportWideId = 3;  // of the header extension that numbers packets for feedback

Ref<GstCaps> rtp_caps(Codec codec, guint32 ssrc);

// What the payloader is told it gets: as pinned as what it sends. rtph264pay refuses any other level than the
// negotiated one, which the true caps of a 1080p stream, or of an encoder that names no level, do not fit.
Ref<GstCaps> unit_caps(Codec codec);

// Null when the plugin is missing. Its packets have room for the transport-wide number. What it writes into
// its caps is replaced by rtp_caps().
Ref<GstElement> make_payloader(Codec codec, guint32 ssrc, unsigned mtu = kMtu);

// Whether the codec's payloader is installed, and what to do if it is not.
Result<void> check_payloader(Codec codec);

}  // namespace campaign::viewer
