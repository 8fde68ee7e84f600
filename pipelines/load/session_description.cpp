// See session_description.hpp.
#include "pipelines/load/session_description.hpp"

#include <algorithm>
#include <charconv>

namespace campaign::load {
namespace {

constexpr std::size_t kMaxBytes = 64 * 1024;
constexpr std::size_t kMaxCandidates = 64;
constexpr std::string_view kTransportSequence =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
constexpr std::string_view kKnownFeedback[] = {"nack", "nack pli", "ccm fir", "transport-cc"};

Error invalid(std::string_view what, std::string_view expected, std::string_view got) {
  std::string quoted = "\"";
  quoted.append(got.substr(0, 60)).append("\"");
  return Error::invalid("The offer's " + std::string(what), expected, quoted);
}

std::optional<unsigned> number(std::string_view text, unsigned most) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

// "name rest" or "name:rest"; what was taken is cut off.
std::string_view cut(std::string_view& text, char separator) {
  const auto at = text.find(separator);
  const auto head = text.substr(0, at);
  text = at == text.npos ? std::string_view{} : text.substr(at + 1);
  return head;
}

// RFC 8839, section 5.4: ice-char, at least 4 and 22 of them, at most 256.
bool is_ice_text(std::string_view text, std::size_t least) {
  return text.size() >= least && text.size() <= 256 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
                  c == '/' || c == '-' || c == '_' || c == '=';  // the last three are no ice-char, and in use
         });
}

bool is_token(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

std::optional<Fingerprint> parse_fingerprint(std::string_view text) {
  Fingerprint fingerprint;
  if (text.size() != 3 * fingerprint.size() - 1) return std::nullopt;
  for (std::size_t i = 0; i < fingerprint.size(); ++i) {
    const char* digits = text.data() + 3 * i;
    unsigned value = 0;
    const auto [end, error] = std::from_chars(digits, digits + 2, value, 16);
    if (error != std::errc{} || end != digits + 2) return std::nullopt;
    if (i > 0 && digits[-1] != ':') return std::nullopt;
    fingerprint[i] = static_cast<std::uint8_t>(value);
  }
  return fingerprint;
}

struct Format {
  unsigned payload_type = 0;
  std::string_view encoding, parameters;
  std::uint32_t clock_rate = 0;
  std::vector<std::string> feedback;
};

// Collects what the lines say; what they mean together is decided at the end.
struct Reader {
  Offer offer;
  std::optional<Fingerprint> fingerprint;
  std::vector<Format> formats;  // in the order of the m-line, which is the order of preference
  unsigned medias = 0;
  bool muxed = false, may_be_server = true;

  Format* format(unsigned payload_type) {
    const auto found = std::find_if(formats.begin(), formats.end(),
                                    [&](const Format& f) { return f.payload_type == payload_type; });
    return found == formats.end() ? nullptr : &*found;
  }

  Result<void> media(std::string_view line) {
    if (++medias > 1) return invalid("m-lines", "one", "more");
    std::string_view rest = line;
    if (cut(rest, ' ') != "video") return invalid("media", "video", line);
    cut(rest, ' ');  // the port means nothing with ICE
    if (cut(rest, ' ') != "UDP/TLS/RTP/SAVPF") return invalid("transport", "UDP/TLS/RTP/SAVPF", line);
    while (!rest.empty()) {
      const auto type = number(cut(rest, ' '), 127);
      if (!type || format(*type)) return invalid("payload types", "different numbers up to 127", line);
      formats.push_back({*type, {}, {}, 0, {}});
    }
    return {};
  }

  Result<void> attribute(std::string_view line) {
    std::string_view value = line;
    const std::string_view name = cut(value, ':');
    if (name == "ice-ufrag") {
      if (!is_ice_text(value, 4)) return invalid("ice-ufrag", "4 to 256 ICE characters", value);
      offer.ice_ufrag = value;
    } else if (name == "ice-pwd") {
      if (!is_ice_text(value, 22)) return invalid("ice-pwd", "22 to 256 ICE characters", "what was sent");
      offer.ice_pwd = value;
    } else if (name == "fingerprint") {
      std::string_view digest = value;
      std::string_view hash = cut(digest, ' ');
      if (hash != "sha-256" && hash != "SHA-256") return {};  // another one may follow
      fingerprint = parse_fingerprint(digest);
      if (!fingerprint) return invalid("fingerprint", "32 bytes in hexadecimal", value);
    } else if (name == "setup") {
      may_be_server = value == "actpass" || value == "passive";
    } else if (name == "mid") {
      if (!is_token(value)) return invalid("mid", "a token of at most 64 characters", value);
      offer.mid = value;
    } else if (name == "rtcp-mux") {
      muxed = true;
    } else if (name == "candidate") {
      if (offer.candidates.size() == kMaxCandidates) return invalid("candidates", "at most 64", "more");
      offer.candidates.emplace_back(line);
    } else if (name == "extmap") {
      std::string_view uri = value;
      std::string_view id = cut(uri, ' ');
      if (uri.substr(0, uri.find(' ')) != kTransportSequence) return {};
      const auto chosen = number(id.substr(0, id.find('/')), 255);
      if (!chosen || *chosen == 0 || *chosen == 15)
        return invalid("extmap", "an id from 1 to 255, not 15", value);
      offer.transport_sequence_id = static_cast<std::uint8_t>(*chosen);
    } else if (name == "rtpmap" || name == "fmtp" || name == "rtcp-fb") {
      return format_attribute(name, value);
    }
    return {};
  }

  Result<void> format_attribute(std::string_view name, std::string_view value) {
    std::string_view rest = value;
    const auto type_text = cut(rest, ' ');
    if (name == "rtcp-fb" && type_text == "*") {
      for (Format& each : formats) add_feedback(each, rest);
      return {};
    }
    const auto type = number(type_text, 127);
    if (!type) return invalid(name, "about a payload type", value);
    Format* found = format(*type);
    if (!found) return {};  // of no listed type: meaningless, and harmless
    if (name == "fmtp") {
      found->parameters = rest;
    } else if (name == "rtcp-fb") {
      add_feedback(*found, rest);
    } else {
      found->encoding = cut(rest, '/');
      const auto rate = number(rest.substr(0, rest.find('/')), 1'000'000);
      if (!rate || *rate == 0) return invalid("rtpmap", "like 96 H264/90000", value);
      found->clock_rate = *rate;
    }
    return {};
  }

  static void add_feedback(Format& format, std::string_view kind) {
    if (std::find(std::begin(kKnownFeedback), std::end(kKnownFeedback), kind) != std::end(kKnownFeedback) &&
        std::find(format.feedback.begin(), format.feedback.end(), kind) == format.feedback.end())
      format.feedback.emplace_back(kind);
  }

  Result<Offer> finish() {
    const auto missing = [](std::string_view what) {
      return Error("The offer has no " + std::string(what) + ".");
    };
    if (medias == 0) return missing("m-line");
    if (offer.ice_ufrag.empty() || offer.ice_pwd.empty()) return missing("ICE credentials");
    if (!fingerprint) return missing("SHA-256 fingerprint");
    if (!may_be_server) return Error("The offer's side wants to start DTLS; viewers do.");
    if (!muxed) return missing("rtcp-mux");
    offer.fingerprint = *fingerprint;
    const auto chosen = std::find_if(formats.begin(), formats.end(), [](const Format& f) {
      return f.encoding == "H264" || f.encoding == "VP8";
    });
    if (chosen == formats.end())
      return Error("The offer has neither H264 nor VP8, which are what is understood here.");
    offer.codec = chosen->encoding == "H264" ? Codec::h264 : Codec::vp8;
    offer.payload_type = static_cast<std::uint8_t>(chosen->payload_type);
    offer.clock_rate = chosen->clock_rate;
    offer.format = chosen->parameters;
    offer.feedback = chosen->feedback;
    const std::string apt = "apt=" + std::to_string(chosen->payload_type);
    for (const Format& format : formats)
      if (format.encoding == "rtx" && format.parameters.substr(0, format.parameters.find(';')) == apt)
        offer.retransmission_type = static_cast<std::uint8_t>(format.payload_type);
    return std::move(offer);
  }
};

}  // namespace

std::string to_text(const Fingerprint& fingerprint) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string text;
  for (const std::uint8_t byte : fingerprint) {
    if (!text.empty()) text += ':';
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

bool Offer::has_feedback(std::string_view kind) const {
  return std::find(feedback.begin(), feedback.end(), kind) != feedback.end();
}

Result<Offer> parse_offer(std::string_view sdp) {
  if (sdp.size() > kMaxBytes) return Error("The offer has more than 64 KiB.");
  // What is echoed in the answer must not smuggle lines or control characters into it.
  const bool printable = std::all_of(sdp.begin(), sdp.end(), [](unsigned char c) {
    return (c >= 0x20 && c < 0x7f) || c == '\r' || c == '\n' || c == '\t' || c >= 0x80;
  });
  if (!printable) return Error("The offer has control characters.");
  Reader reader;
  std::string_view rest = sdp;
  while (!rest.empty()) {
    std::string_view line = cut(rest, '\n');
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty()) continue;
    if (line.size() < 2 || line[1] != '=' || line.find('\r') != line.npos)
      return invalid("lines", "like a=value", line);
    const std::string_view value = line.substr(2);
    if (line[0] == 'm') {
      if (const auto taken = reader.media(value); !taken) return taken.error();
    } else if (line[0] == 'a') {
      if (const auto taken = reader.attribute(value); !taken) return taken.error();
    }
  }
  return reader.finish();
}

std::string write_answer(const Offer& offer, const AnsweringSide& us) {
  const std::string type = std::to_string(offer.payload_type);
  std::string sdp;
  const auto line = [&](std::initializer_list<std::string_view> parts) {
    for (const auto part : parts) sdp += part;
    sdp += "\r\n";
  };
  line({"v=0"});
  line({"o=- 1 1 IN IP4 127.0.0.1"});
  line({"s=-"});
  line({"t=0 0"});
  if (!offer.mid.empty()) line({"a=group:BUNDLE ", offer.mid});
  const std::string rtx = offer.retransmission_type ? std::to_string(*offer.retransmission_type) : "";
  line({"m=video 9 UDP/TLS/RTP/SAVPF ", type, rtx.empty() ? "" : " ", rtx});
  line({"c=IN IP4 0.0.0.0"});
  line({"a=ice-options:trickle"});
  line({"a=ice-ufrag:", us.ice_ufrag});
  line({"a=ice-pwd:", us.ice_pwd});
  line({"a=fingerprint:sha-256 ", to_text(us.fingerprint)});
  line({"a=setup:active"});
  if (!offer.mid.empty()) line({"a=mid:", offer.mid});
  line({"a=recvonly"});
  line({"a=rtcp-mux"});
  line({"a=rtcp-rsize"});
  line({"a=rtpmap:", type, " ", codec_name(offer.codec), "/", std::to_string(offer.clock_rate)});
  if (!offer.format.empty()) line({"a=fmtp:", type, " ", offer.format});
  for (const std::string& kind : offer.feedback) line({"a=rtcp-fb:", type, " ", kind});
  if (!rtx.empty()) {
    line({"a=rtpmap:", rtx, " rtx/", std::to_string(offer.clock_rate)});
    line({"a=fmtp:", rtx, " apt=", type});
  }
  if (offer.transport_sequence_id)
    line({"a=extmap:", std::to_string(*offer.transport_sequence_id), " ", kTransportSequence});
  return sdp;
}

}  // namespace campaign::load
