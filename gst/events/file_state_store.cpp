// See file_state_store.hpp. Requests of one campaign are served in batches: all that wait are checked against
// the stored document and each other, the last document is written, and then all are answered.
#include "events/file_state_store.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "util/id.hpp"
#include "util/json_reader.hpp"

namespace campaign::events {
namespace {

using namespace state;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string reason(int error) { return std::generic_category().message(error); }

StoreFailure fenced(Epoch highest) {
  return {StoreFailure::Code::fenced, "another node owns the campaign since epoch " + std::to_string(highest),
          std::nullopt};
}

StoreFailure conflict(const Document& current, Revision expected) {
  return {
      StoreFailure::Code::conflict,
      "the state is at revision " + std::to_string(current.revision()) + ", not " + std::to_string(expected),
      current};
}

}  // namespace

// The files themselves; used by the disk's thread once it is open.
class FileStateStore::Folder {
 public:
  Folder(std::filesystem::path path, Descriptor directory)
      : path_(std::move(path)), directory_(std::move(directory)) {}

  Result<Document> read(const std::string& id) const {
    const std::string name = id + kEnding;
    const Descriptor file(openat(directory_.get(), name.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return errno == ENOENT ? Result<Document>(Document()) : trouble("read", name, errno);
    std::string text(kLimits.bytes + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
      const ssize_t got = ::read(file.get(), text.data() + size, text.size() - size);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return trouble("read", name, errno);
      if (got == 0) break;
      size += std::size_t(got);
    }
    text.resize(size);
    return parse(text, (path_ / name).string());
  }

  Result<void> write(const std::string& id, const Document& document) const {
    const std::string name = id + kEnding, fresh = id + ".new";
    const std::string text =
        "{\"revision\":" + std::to_string(document.revision()) + ",\"state\":" + document.text() + "}\n";
    {
      const Descriptor file(
          openat(directory_.get(), fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640));
      if (!file) return trouble("write", fresh, errno);
      for (std::size_t done = 0; done < text.size();) {
        const ssize_t put = ::write(file.get(), text.data() + done, text.size() - done);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return trouble("write", fresh, errno);
        done += std::size_t(put);
      }
      if (fsync(file.get()) != 0) return trouble("write", fresh, errno);
    }
    if (renameat(directory_.get(), fresh.c_str(), directory_.get(), name.c_str()) != 0)
      return trouble("rename", fresh, errno);
    return flush();
  }

  Result<std::vector<std::string>> list() const {
    std::vector<std::string> ids;
    std::error_code error;
    for (auto entry = std::filesystem::directory_iterator(path_, error);
         !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
      const std::string name = entry->path().filename().string();
      if (!name.ends_with(kEnding)) continue;
      const std::string id = name.substr(0, name.size() - std::string_view(kEnding).size());
      if (is_valid_id(id)) ids.push_back(id);
    }
    if (error) return trouble("read", "", error.value());
    std::ranges::sort(ids);
    return ids;
  }

  Result<void> erase(const std::string& id) const {
    const std::string name = id + kEnding;
    if (unlinkat(directory_.get(), name.c_str(), 0) != 0 && errno != ENOENT)
      return trouble("remove", name, errno);
    return flush();
  }

 private:
  static constexpr const char* kEnding = ".json";
  static constexpr JsonLimits kLimits{kMaxBytes + 256, kMaxDepth + 1};

  static Result<Document> parse(const std::string& text, const std::string& file) {
    const auto json = parse_json(text, file, kLimits);
    if (!json) return json.error();
    const auto revision = json->is_object() ? json->find("revision") : json->end();
    const auto document = json->is_object() ? json->find("state") : json->end();
    if (revision == json->end() || !revision->is_number_unsigned() || document == json->end())
      return Error::invalid(file, "an object with a revision and a state", "something else");
    auto parsed = Document::parse(document->dump(), revision->get<Revision>());
    if (!parsed) return Error(file + ": " + parsed.error().for_user());
    return parsed;
  }

  Result<void> flush() const {  // what the folder's names mean
    if (fsync(directory_.get()) != 0) return trouble("write", "", errno);
    return {};
  }

  Error trouble(std::string_view what, const std::string& name, int error) const {
    return Error("cannot " + std::string(what) + " " + (path_ / name).string() + ": " + reason(error));
  }

  std::filesystem::path path_;
  Descriptor directory_;  // locked
};

struct FileStateStore::Follower {
  Document known;
  std::function<void(const Update&)> told;
};

struct FileStateStore::Request {
  enum class Kind { load, commit, restore, remove, follow } kind;
  Epoch epoch = 0;
  std::optional<Change> change;        // of a commit
  Document document;                   // of a restoration
  StoreReply<Document> reply;          // of all but follow
  std::weak_ptr<Follower> follower{};  // of follow
  std::size_t joined = 0;              // of follow: which of the batch's updates it is told

  bool changes() const { return kind != Kind::load && kind != Kind::follow; }
};

// Requests that were checked together, what each is to be answered, and what becomes of the document.
struct FileStateStore::Batch {
  std::vector<Request> requests;
  std::vector<Result<Document, StoreFailure>> answers;  // one a request
  std::vector<Update> updates;
  Document after;
  bool removed = false;
};

struct FileStateStore::Campaign {
  const std::string id;
  bool read = false;  // the members below are what the file says
  Document stored{};
  bool removed = false;  // there is no file, and someone may still follow
  std::optional<Error> damage{};
  Epoch highest = 0;
  bool busy = false;  // a job of the disk's or a round of the loop's is under way
  std::vector<Request> waiting{};
  std::vector<std::weak_ptr<Follower>> followers{};
};

Result<std::unique_ptr<FileStateStore>> FileStateStore::open(const std::filesystem::path& folder,
                                                             GMainContext* context) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return Error("cannot make the folder " + folder.string() + ": " + error.message());
  Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return Error("cannot open the folder " + folder.string() + ": " + reason(errno));
  if (faccessat(directory.get(), ".", W_OK, 0) != 0)
    return Error("cannot write in the folder " + folder.string() + ": " + reason(errno));
  if (flock(directory.get(), LOCK_EX | LOCK_NB) != 0)
    return Error(errno == EWOULDBLOCK ? "the folder " + folder.string() + " is in use by another server"
                                      : "cannot lock the folder " + folder.string() + ": " + reason(errno));
  return std::unique_ptr<FileStateStore>(
      new FileStateStore(std::make_shared<Folder>(folder, std::move(directory)), context));
}

FileStateStore::FileStateStore(std::shared_ptr<Folder> folder, GMainContext* context)
    : folder_(std::move(folder)), loop_(context) {}

FileStateStore::~FileStateStore() = default;

void FileStateStore::list(StoreReply<std::vector<std::string>> reply) {
  disk_.post([this, folder = folder_, reply = std::move(reply)] {
    loop_.post([reply, ids = folder->list()] {
      if (ids)
        reply(*ids);
      else
        reply(StoreFailure{StoreFailure::Code::unavailable, ids.error().for_user(), std::nullopt});
    });
  });
}

void FileStateStore::load(std::string_view campaign, StoreReply<Document> reply) {
  ask(campaign, {Request::Kind::load, 0, std::nullopt, Document(), std::move(reply)});
}

void FileStateStore::commit(std::string_view campaign, Epoch epoch, Change change,
                            StoreReply<Document> reply) {
  ask(campaign, {Request::Kind::commit, epoch, std::move(change), Document(), std::move(reply)});
}

void FileStateStore::restore(std::string_view campaign, Epoch epoch, Document document,
                             StoreReply<Document> reply) {
  ask(campaign, {Request::Kind::restore, epoch, std::nullopt, std::move(document), std::move(reply)});
}

void FileStateStore::remove(std::string_view campaign, Epoch epoch, StoreReply<Document> reply) {
  ask(campaign, {Request::Kind::remove, epoch, std::nullopt, Document(), std::move(reply)});
}

Subscription FileStateStore::follow(std::string_view campaign, Document known,
                                    std::function<void(const Update&)> told) {
  auto follower = std::make_shared<Follower>(Follower{std::move(known), std::move(told)});
  ask(campaign, {Request::Kind::follow, 0, std::nullopt, Document(), {}, follower});
  return Subscription([follower]() mutable { follower.reset(); });
}

void FileStateStore::ask(std::string_view id, Request request) {
  auto found = campaigns_.find(id);
  if (found == campaigns_.end())
    found = campaigns_.emplace(id, std::make_shared<Campaign>(Campaign{std::string(id)})).first;
  const std::shared_ptr<Campaign> campaign = found->second;
  campaign->waiting.push_back(std::move(request));
  if (std::exchange(campaign->busy, true)) return;
  loop_.post([this, campaign] { serve(campaign); });
}

// On the loop, with `busy` set, which ends when there is nothing more to do.
void FileStateStore::serve(const std::shared_ptr<Campaign>& campaign) {
  if (!campaign->read) return read(campaign);
  std::erase_if(campaign->followers, [](const auto& follower) { return follower.expired(); });
  if (campaign->waiting.empty()) {
    campaign->busy = false;
    const bool nothing_stored = campaign->removed || campaign->stored.revision() == 0;
    if (campaign->damage || (nothing_stored && campaign->followers.empty())) campaigns_.erase(campaign->id);
    return;
  }

  Batch batch;
  batch.requests = std::exchange(campaign->waiting, {});
  batch.after = campaign->stored;
  batch.removed = campaign->removed;
  const auto advance = [&](Document after, std::optional<Patch> patch) {
    batch.after = after;
    batch.updates.push_back({after, std::move(patch)});
  };
  for (Request& request : batch.requests) {
    if (campaign->damage) {
      batch.answers.push_back(
          StoreFailure{StoreFailure::Code::damaged, campaign->damage->for_user(), std::nullopt});
      continue;
    }
    if (request.changes() && request.epoch < campaign->highest) {
      batch.answers.push_back(fenced(campaign->highest));
      continue;
    }
    campaign->highest = std::max(campaign->highest, request.epoch);
    switch (request.kind) {
      case Request::Kind::load:
        break;
      case Request::Kind::follow:
        request.joined = batch.updates.size();
        break;
      case Request::Kind::commit:
        if (request.change->before != batch.after.revision()) {
          batch.answers.push_back(conflict(batch.after, request.change->before));
          continue;
        }
        advance(request.change->after, request.change->patch);
        batch.removed = false;
        break;
      case Request::Kind::restore:
        if (request.document.revision() > batch.after.revision()) {
          advance(request.document, std::nullopt);
          batch.removed = false;
        }
        break;
      case Request::Kind::remove:
        if (batch.after.revision() > 0 && !batch.removed) {
          advance(*Document::parse("{}", batch.after.revision() + 1), std::nullopt);
          batch.removed = true;
        }
        break;
    }
    batch.answers.push_back(batch.after);
  }
  if (batch.updates.empty()) return finish(campaign, std::move(batch), {});
  write(campaign, std::move(batch));
}

void FileStateStore::read(const std::shared_ptr<Campaign>& campaign) {
  disk_.post([this, campaign, folder = folder_] {
    loop_.post([this, campaign, document = folder->read(campaign->id)] {
      campaign->read = true;
      if (document)
        campaign->stored = *document;
      else
        campaign->damage = document.error();
      serve(campaign);
    });
  });
}

void FileStateStore::write(const std::shared_ptr<Campaign>& campaign, Batch batch) {
  disk_.post([this, campaign, folder = folder_, batch = std::move(batch)]() mutable {
    Result<void> written =
        batch.removed ? folder->erase(campaign->id) : folder->write(campaign->id, batch.after);
    loop_.post([this, campaign, batch = std::move(batch), written = std::move(written)]() mutable {
      finish(campaign, std::move(batch), written);
    });
  });
}

// Each answer is a job of its own, as whoever gets it may destroy the store.
void FileStateStore::finish(const std::shared_ptr<Campaign>& campaign, Batch batch,
                            const Result<void>& written) {
  const Document before = campaign->stored;
  if (written) {
    campaign->stored = batch.after;
    campaign->removed = batch.removed;
    for (const Update& update : batch.updates) {
      for (const auto& follower : campaign->followers)
        if (auto alive = follower.lock()) tell(alive, update);
    }
  }
  for (std::size_t i = 0; i < batch.requests.size(); ++i) {
    Request& request = batch.requests[i];
    auto answer = std::move(batch.answers[i]);
    if (!written && !campaign->damage) {
      answer = before;
      if (request.changes())
        answer = StoreFailure{StoreFailure::Code::unavailable, written.error().for_user(), std::nullopt};
    }
    if (auto follower = request.follower.lock(); follower && answer) {
      campaign->followers.push_back(follower);
      if (!(*answer == follower->known)) tell(follower, {*answer, std::nullopt});
      for (std::size_t u = request.joined; written && u < batch.updates.size(); ++u)
        tell(follower, batch.updates[u]);
    }
    if (!request.reply) continue;
    loop_.post([reply = std::move(request.reply), answer = std::move(answer)] { reply(answer); });
  }
  loop_.post([this, campaign] { serve(campaign); });
}

void FileStateStore::tell(const std::shared_ptr<Follower>& follower, Update update) {
  loop_.post([weak = std::weak_ptr(follower), update = std::move(update)] {
    if (auto alive = weak.lock()) alive->told(update);
  });
}

}  // namespace campaign::events
