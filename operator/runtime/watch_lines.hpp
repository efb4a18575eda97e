// Cuts the bytes of a watch into its lines, however the server's chunks tear or join them. Owned by
// one stream.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::runtime {

class WatchLines {
 public:
    // `line_max`: etcd stores no object above 1.5 MiB, and JSON may write a byte as six.
    explicit WatchLines(std::size_t line_max = 16U << 20U) : line_max_(line_max) {}

    void feed(std::string_view bytes);

    // The next complete line without its end; empty lines are passed over. The view holds until
    // feed() or clear().
    std::optional<std::string_view> next();

    // A line has become longer than the limit: nothing more comes of this stream.
    bool is_overlong() const { return is_overlong_; }
    void clear();

 private:
    std::size_t line_max_;
    std::string buffer_;
    std::size_t start_ = 0;    // of what next() has not given out
    std::size_t scanned_ = 0;  // up to here there is no more end of line
    bool is_overlong_ = false;
};

}  // namespace penstock::runtime
