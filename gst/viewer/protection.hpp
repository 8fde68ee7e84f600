// Sends repairs along with a viewer's packets (ULPFEC, RFC 5109), each packet wrapped so that a browser takes
// it for one of a protected stream (RED, RFC 2198). An element between the payloader and webrtcbin, as what
// retransmits has to know the numbers that packets get here.
//
// webrtcbin's own FEC is no help: what it sums up has the numbers in it that are replaced afterwards, its
// wrapping moves the transport-wide number to another extension, and its packets look like the start of a key
// frame to what paces them.
#pragma once

#include <gst/gst.h>

#include "congestion/ulpfec.hpp"
#include "util/gst_ptr.hpp"

namespace campaign::viewer {

// How much longer than the longest media packet a repair is: two extensions, its own and what it says of
// theirs, which payloaders do not count in full, RED's header, and its own.
inline constexpr unsigned kRepairHeaders = 8 + 8 + 1 + congestion::Ulpfec::kOverhead;

// `percentage`: repairs for every 100 packets. Until protect() packets go through as they are.
Ref<GstElement> make_protection(unsigned percentage);

// Once the descriptions of both sides are set and before the first packet, of which webrtcbin's
// retransmissions have this type: those of packets in RED are added. Any thread.
void protect(GstElement* protection, GstElement* webrtcbin, unsigned retransmission_type);

}  // namespace campaign::viewer
