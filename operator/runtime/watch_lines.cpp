#include "operator/runtime/watch_lines.hpp"

namespace penstock::runtime {

void WatchLines::feed(std::string_view bytes) {
    if (is_overlong_) return;
    buffer_.erase(0, start_);
    scanned_ -= start_;
    start_ = 0;
    buffer_.append(bytes);
}

std::optional<std::string_view> WatchLines::next() {
    while (!is_overlong_) {
        const std::size_t end = buffer_.find('\n', scanned_);
        const std::size_t size = (end == std::string::npos ? buffer_.size() : end) - start_;
        if (size > line_max_) {
            clear();
            is_overlong_ = true;
            return std::nullopt;
        }
        if (end == std::string::npos) {
            scanned_ = buffer_.size();
            return std::nullopt;
        }
        std::string_view line(buffer_.data() + start_, size);
        start_ = scanned_ = end + 1;
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (!line.empty()) return line;
    }
    return std::nullopt;
}

void WatchLines::clear() {
    buffer_.clear();
    start_ = scanned_ = 0;
    is_overlong_ = false;
}

}  // namespace penstock::runtime
