// See follower.hpp.
#include "events/redis/follower.hpp"

#include <charconv>
#include <optional>
#include <utility>

#include "events/redis/keys.hpp"

namespace campaign::events::redis {
namespace {

using namespace state;

constexpr std::size_t kMostAtOnce = 64;  // changes in an answer, of up to 64 KiB each

template <class T>
std::optional<T> number(std::string_view text, int base = 10) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The fields of a stream's entry, ["<revision>-0", [name, value, …]].
struct Entry {
  std::optional<Revision> revision;
  std::optional<std::string_view> patch, document, digest;

  explicit Entry(const Reply& reply) {
    if (const auto id = reply[0].text(); id && id->ends_with("-0"))
      revision = number<Revision>(id->substr(0, id->size() - 2));
    const Reply fields = reply[1];
    for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
      const auto name = fields[i].text();
      if (name == "patch") patch = fields[i + 1].text();
      if (name == "document") document = fields[i + 1].text();
      if (name == "digest") digest = fields[i + 1].text();
    }
  }

  // What the entry makes of `before`; nothing where it does not lead on from there.
  std::optional<Update> after(const Document& before) const {
    if (!revision) return std::nullopt;
    std::optional<Update> update;
    if (document) {
      if (auto whole = Document::parse(*document, *revision))
        update = Update{*std::move(whole), std::nullopt};
    } else if (patch && *revision == before.revision() + 1) {
      auto parsed = Patch::parse(*patch);
      if (!parsed) return std::nullopt;
      if (auto patched = before.patched(*parsed)) update = Update{*std::move(patched), *std::move(parsed)};
    }
    if (!update || !digest || number<std::uint64_t>(*digest, 16) != update->document.digest())
      return std::nullopt;
    return update;
  }
};

}  // namespace

Result<Document> document_in(const Reply& revision, const Reply& text) {
  if (revision.is_nil()) return Document();
  const auto count = number<Revision>(revision.text().value_or(""));
  if (!count)
    return Error::invalid("the stored revision", "a number",
                          "'" + std::string(revision.text().value_or("")) + "'");
  return Document::parse(text.text().value_or(""), *count);
}

Follower::Follower(Connection& connection, std::string campaign, Document known, unsigned look_interval,
                   std::function<void(const Update&)> told)
    : connection_(connection),
      campaign_(std::move(campaign)),
      known_(std::move(known)),
      look_interval_(look_interval),
      told_(std::move(told)),
      look_(connection.context()) {}

void Follower::begin() {
  channel_ = connection_.subscribe(
      changed_channel(campaign_), [this](std::string_view revision) { heard(revision); }, [this] { look(); });
  // The subscription may be back before commands are.
  ready_ = connection_.on_ready([this](bool ready) {
    if (ready) look();
  });
}

void Follower::end() {
  told_ = nullptr;
  channel_.reset();
  ready_.reset();
  look_.stop();
}

template <class F>
void Follower::ask(const std::vector<std::string>& words, F&& answer) {
  connection_.command(words, [weak = weak_from_this(), answer](const Reply& reply) {
    const auto self = weak.lock();
    if (!self || !self->told_) return;
    if (reply.ok()) return answer(*self, reply);
    self->busy_ = self->again_ = false;  // it looks again when Redis is back, and in a while
  });
}

void Follower::heard(std::string_view text) {
  const auto revision = number<Revision>(text);
  if (!revision) return;
  if (busy_) {
    again_ = true;
  } else if (*revision > known_.revision()) {
    read(*revision);
  } else {
    look();  // behind what is known: old news, or a store that has gone back
  }
}

void Follower::look() {
  look_.start(look_interval_, [this] { look(); });
  if (std::exchange(busy_, true)) {
    again_ = true;
    return;
  }
  ask({"HMGET", state_key(campaign_), "revision", "digest"}, [](Follower& self, const Reply& reply) {
    const Revision stored = number<Revision>(reply[0].text().value_or("0")).value_or(0);
    const Revision known = self.known_.revision();
    const auto digest = number<std::uint64_t>(reply[1].text().value_or(""), 16);
    if (stored == known && (stored == 0 || digest == self.known_.digest())) return self.finish();
    if (stored <= known || known == 0) return self.load();
    self.read(stored);
  });
}

void Follower::read(Revision expected) {
  busy_ = true;
  ask({"XREAD", "COUNT", std::to_string(kMostAtOnce), "STREAMS", changes_key(campaign_),
       std::to_string(known_.revision()) + "-0"},
      [expected](Follower& self, const Reply& reply) { self.take(reply[0][1], expected); });
}

void Follower::take(const Reply& entries, Revision expected) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    auto update = Entry(entries[i]).after(known_);
    if (!update) return load();
    if (!tell(*std::move(update))) return;
  }
  if (entries.size() == kMostAtOnce) return read(expected);
  if (known_.revision() < expected) return load();
  finish();
}

void Follower::load() {
  ask({"HMGET", state_key(campaign_), "revision", "document"}, [](Follower& self, const Reply& reply) {
    const auto document = document_in(reply[0], reply[1]);
    if (document && !(*document == self.known_) && !self.tell({*document, std::nullopt})) return;
    self.finish();
  });
}

void Follower::finish() {
  busy_ = false;
  if (std::exchange(again_, false)) look();
}

// False where the one who was told has ended it.
bool Follower::tell(Update update) {
  known_ = update.document;
  const auto told = told_;
  told(update);
  return told_ != nullptr;
}

}  // namespace campaign::events::redis
