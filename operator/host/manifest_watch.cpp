#include "operator/host/manifest_watch.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <sys/inotify.h>
#include <unistd.h>

namespace penstock::host {

namespace {

constexpr std::uint32_t events_of_interest = IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO |
                                             IN_MOVED_FROM | IN_DELETE | IN_ATTRIB |
                                             IN_DELETE_SELF | IN_MOVE_SELF;

// Whether a buffer of inotify events holds one that concerns a manifest or the folder itself.
bool concerns_manifests(const char* data, std::size_t size) {
    bool found = false;
    for (std::size_t at = 0; at + sizeof(inotify_event) <= size;) {
        inotify_event event{};
        std::memcpy(&event, data + at, sizeof event);
        const char* name = data + at + sizeof event;
        found = found || event.len == 0 || is_manifest(name);
        at += sizeof event + event.len;
    }
    return found;
}

}  // namespace

bool is_manifest(const std::filesystem::path& file) {
    const std::string name = file.filename().string();
    return !name.empty() && name.front() != '.' &&
           (file.extension() == ".yaml" || file.extension() == ".yml");
}

api::Result<std::vector<std::filesystem::path>> manifest_files(const std::filesystem::path& folder
) {
    std::vector<std::filesystem::path> files;
    std::error_code error;
    auto entry = std::filesystem::directory_iterator(folder, error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        std::error_code unknown;
        if (is_manifest(entry->path()) && !entry->is_directory(unknown))
            files.push_back(entry->path());
    }
    if (error)
        return tl::unexpected(api::Error{folder.string(), "cannot be read: " + error.message()});
    std::sort(files.begin(), files.end());
    return files;
}

struct ManifestWatch::State : std::enable_shared_from_this<ManifestWatch::State> {
    State(
        boost::asio::io_context& io,
        int descriptor,
        std::filesystem::path where,
        Timing times,
        std::function<void()> handler
    )
        : folder(std::move(where)),
          timing(times),
          on_change(std::move(handler)),
          inotify(io, descriptor),
          settling(io),
          rescan(io) {}

    // Adding a watch again is harmless: inotify keeps one per folder. It matters after the folder
    // was replaced.
    bool add_watch() {
        return ::inotify_add_watch(inotify.native_handle(), folder.c_str(), events_of_interest) >=
               0;
    }

    void read() {
        inotify.async_read_some(
            boost::asio::buffer(buffer),
            [self = shared_from_this()](const boost::system::error_code& error, std::size_t size) {
                if (error || !self->on_change) return;
                if (concerns_manifests(self->buffer.data(), size)) self->settle();
                self->read();
            }
        );
    }

    // From the first event on, not the last: a folder that never rests is still read.
    void settle() {
        if (is_settling) return;
        is_settling = true;
        settling.expires_after(timing.settle);
        settling.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
            self->is_settling = false;
            if (!error) self->tell();
        });
    }

    // The handler may end the watch, which clears on_change.
    void tell() {
        const std::function<void()> handler = on_change;
        if (handler) handler();
    }

    void rescan_later() {
        rescan.expires_after(timing.rescan);
        rescan.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
            if (error || !self->on_change) return;
            self->add_watch();
            self->tell();
            self->rescan_later();
        });
    }

    const std::filesystem::path folder;
    const Timing timing;
    std::function<void()> on_change;  // empty once the watch is over
    boost::asio::posix::stream_descriptor inotify;
    boost::asio::steady_timer settling;
    boost::asio::steady_timer rescan;
    bool is_settling = false;
    alignas(inotify_event) std::array<char, 16 * 1024> buffer{};
};

api::Result<std::unique_ptr<ManifestWatch>> ManifestWatch::start(
    boost::asio::io_context& io,
    std::filesystem::path folder,
    Timing timing,
    std::function<void()> on_change
) {
    const int descriptor = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (descriptor < 0)
        return tl::unexpected(api::Error{
            folder.string(), std::string("inotify: ") + std::strerror(errno)});
    auto state =
        std::make_shared<State>(io, descriptor, std::move(folder), timing, std::move(on_change));
    if (!state->add_watch()) {
        return tl::unexpected(api::Error{
            state->folder.string(), std::string("cannot be watched: ") + std::strerror(errno)});
    }
    state->read();
    state->rescan_later();
    return std::unique_ptr<ManifestWatch>(new ManifestWatch(std::move(state)));
}

ManifestWatch::ManifestWatch(std::shared_ptr<State> state) : state_(std::move(state)) {}

ManifestWatch::~ManifestWatch() {
    state_->on_change = nullptr;
    boost::system::error_code ignored;
    state_->inotify.close(ignored);
    state_->settling.cancel();
    state_->rescan.cancel();
}

}  // namespace penstock::host
