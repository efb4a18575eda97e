#include "dataplane/net/file_watch.hpp"

#include "crds/api/check.hpp"

#include <array>
#include <chrono>
#include <cstring>

#include <sys/inotify.h>
#include <unistd.h>

namespace penstock::net {
namespace {

// Writers change several files, or one in several steps.
constexpr std::chrono::milliseconds calm_time{50};

constexpr std::uint32_t events_of_interest = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE |
                                             IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB |
                                             IN_DELETE_SELF | IN_MOVE_SELF;

}  // namespace

FileWatch::FileWatch(boost::asio::io_context& context, std::function<void()> changed)
    : events_(context), calm_(context), changed_(std::move(changed)) {
    const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    CHECK(fd >= 0);
    events_.assign(fd);
    wait();
}

void FileWatch::stop() {
    boost::system::error_code ignored;
    events_.close(ignored);
    calm_.cancel();
}

bool FileWatch::watch(const std::set<std::string>& files) {
    std::map<std::string, std::set<std::string>> wanted;
    for (const std::string& file : files) {
        const std::size_t slash = file.rfind('/');
        if (slash == std::string::npos) {
            wanted["."].insert(file);
        } else {
            wanted[file.substr(0, slash + 1)].insert(file.substr(slash + 1));
        }
    }
    for (auto each = folders_.begin(); each != folders_.end();) {
        if (wanted.contains(each->first)) {
            ++each;
            continue;
        }
        ::inotify_rm_watch(events_.native_handle(), each->second);
        names_.erase(each->second);
        each = folders_.erase(each);
    }
    bool all = true;
    bool is_new = false;
    for (auto& [folder, names] : wanted) {
        const int id =
            ::inotify_add_watch(events_.native_handle(), folder.c_str(), events_of_interest);
        if (id < 0) {
            all = false;
            continue;
        }
        const auto [known, is_first] = folders_.emplace(folder, id);
        if (!is_first && known->second != id) names_.erase(known->second);  // another folder now
        if (is_first || known->second != id) is_new = true;
        known->second = id;
        names_[id] = std::move(names);
    }
    if (is_new) tell();
    return all;
}

void FileWatch::tell() {
    calm_.expires_after(calm_time);
    calm_.async_wait([this](const boost::system::error_code& cancelled) {
        if (!cancelled) changed_();
    });
}

void FileWatch::wait() {
    events_.async_wait(
        boost::asio::posix::stream_descriptor::wait_read,
        [this](const boost::system::error_code& error) {
            if (error) return;
            if (read_events()) tell();
            wait();
        }
    );
}

// Whether any of them is about a watched file.
bool FileWatch::read_events() {
    alignas(inotify_event) std::array<char, 4'096> buffer;
    bool ours = false;
    for (;;) {
        const ssize_t got = ::read(events_.native_handle(), buffer.data(), buffer.size());
        if (got <= 0) return ours;
        for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
            inotify_event event{};
            std::memcpy(&event, buffer.data() + at, sizeof event);
            const char* const name = event.len > 0 ? buffer.data() + at + sizeof event : "";
            at += sizeof event + event.len;
            const auto watched = names_.find(event.wd);
            const bool is_named = watched != names_.end() && watched->second.contains(name);
            const bool is_swap = std::strncmp(name, "..", 2) == 0;
            if (is_named || is_swap || event.len == 0) ours = true;
        }
    }
}

}  // namespace penstock::net
