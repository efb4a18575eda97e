#include "operator/host/files.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace penstock::host {

namespace {

tl::unexpected<api::Error> file_error(
    const std::filesystem::path& path, const char* what, int number
) {
    return tl::unexpected(api::Error{
        path.string(), std::string(what) + ": " + std::strerror(number)});
}

// A write or sync that fails leaves errno for the caller.
bool write_and_sync(int descriptor, const std::string& text) {
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t wrote = ::write(descriptor, text.data() + done, text.size() - done);
        if (wrote < 0) {
            if (errno == EINTR) continue;
            return false;
        }
        done += static_cast<std::size_t>(wrote);
    }
    return ::fsync(descriptor) == 0;
}

}  // namespace

api::Result<std::string> read_file(const std::filesystem::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return file_error(path, "cannot be opened", errno);
    std::string text;
    std::array<char, 16 * 1024> chunk{};
    for (;;) {
        const ssize_t got = ::read(descriptor, chunk.data(), chunk.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            const int number = errno;
            ::close(descriptor);
            return file_error(path, "cannot be read", number);
        }
        if (got == 0) break;
        text.append(chunk.data(), static_cast<std::size_t>(got));
    }
    ::close(descriptor);
    return text;
}

api::Result<void> replace_file(
    const std::filesystem::path& path, const std::string& text, FileMode mode
) {
    const mode_t bits = mode == FileMode::Private ? 0600 : 0644;
    std::filesystem::path beside = path;
    // A leading dot: folder watches and globs pass it by.
    beside.replace_filename("." + path.filename().string() + ".new");
    const int descriptor = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, bits);
    if (descriptor < 0) return file_error(beside, "cannot be created", errno);
    // The file may be left from a crash, with other permissions.
    if (::fchmod(descriptor, bits) != 0 || !write_and_sync(descriptor, text)) {
        const int number = errno;
        ::close(descriptor);
        ::unlink(beside.c_str());
        return file_error(path, "cannot be written", number);
    }
    ::close(descriptor);
    if (::rename(beside.c_str(), path.c_str()) != 0) {
        const int number = errno;
        ::unlink(beside.c_str());
        return file_error(path, "cannot be replaced", number);
    }
    return {};
}

api::Result<void> make_folder(const std::filesystem::path& path, FileMode mode) {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error)
        return tl::unexpected(api::Error{path.string(), "folder cannot be made: " + error.message()}
        );
    if (mode == FileMode::Private) {
        std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
        if (error)
            return tl::unexpected(api::Error{
                path.string(), "cannot be made private: " + error.message()});
    }
    return {};
}

api::Result<void> remove_tree(const std::filesystem::path& path) {
    std::error_code error;
    std::filesystem::remove_all(path, error);
    if (error)
        return tl::unexpected(api::Error{path.string(), "cannot be removed: " + error.message()});
    return {};
}

}  // namespace penstock::host
