#include "operator/host/state_folder.hpp"

#include "operator/host/files.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace penstock::host {

api::Result<StateFolder> StateFolder::open(const std::filesystem::path& path) {
    std::error_code error;
    // Proxies are given paths below it, and they have another working directory after a restart.
    const std::filesystem::path full = std::filesystem::absolute(path, error).lexically_normal();
    if (const auto made = make_folder(full, FileMode::Private); !made)
        return tl::unexpected(made.error());

    const std::filesystem::path lock_file = full / "operator.lock";
    const int lock = ::open(lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (lock < 0) return tl::unexpected(api::Error{lock_file.string(), std::strerror(errno)});
    if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
        ::close(lock);
        std::string holder = read_file(lock_file).value_or("");
        holder.erase(holder.find_last_not_of('\n') + 1);
        return tl::unexpected(api::Error{
            full.string(),
            "is in use by the operator with pid " + (holder.empty() ? "unknown" : holder) +
                "; stop it, or give this one another folder with --state"});
    }
    const std::string pid = std::to_string(::getpid()) + "\n";
    const bool written =
        ::ftruncate(lock, 0) == 0 && ::pwrite(lock, pid.data(), pid.size(), 0) >= 0;
    StateFolder folder(full, lock);
    if (!written) return tl::unexpected(api::Error{lock_file.string(), std::strerror(errno)});

    const std::pair<std::filesystem::path, FileMode> parts[] = {
        {folder.objects(), FileMode::Public},
        {folder.secrets(), FileMode::Private},
        {folder.proxies(), FileMode::Private},
        {folder.logs(), FileMode::Public}};
    for (const auto& [part, mode] : parts) {
        if (const auto made = make_folder(part, mode); !made) return tl::unexpected(made.error());
    }
    return folder;
}

StateFolder::~StateFolder() {
    if (lock_ >= 0) ::close(lock_);
}

StateFolder::StateFolder(StateFolder&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

api::Result<std::uint64_t> StateFolder::next_epoch() {
    const std::filesystem::path file = path_ / "epoch";
    std::uint64_t epoch = 0;
    if (std::filesystem::exists(file)) {
        const auto text = read_file(file);
        if (!text) return tl::unexpected(text.error());
        const auto [end, fault] = std::from_chars(text->data(), text->data() + text->size(), epoch);
        if (fault != std::errc()) {
            return tl::unexpected(api::Error{
                file.string(),
                "must hold a number, not \"" + *text +
                    "\"; write one above all epochs in the proxies' reports"});
        }
    }
    ++epoch;
    if (const auto kept = replace_file(file, std::to_string(epoch) + "\n", FileMode::Public);
        !kept) {
        return tl::unexpected(kept.error());
    }
    return epoch;
}

bool is_locked(const std::filesystem::path& state) {
    const int lock = ::open((state / "operator.lock").c_str(), O_RDONLY | O_CLOEXEC);
    if (lock < 0) return false;
    const bool is_free = ::flock(lock, LOCK_SH | LOCK_NB) == 0;
    ::close(lock);
    return !is_free;
}

}  // namespace penstock::host
