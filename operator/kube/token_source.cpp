#include "operator/kube/token_source.hpp"

namespace penstock::kube {
namespace {

constexpr std::chrono::minutes lifetime{1};

}  // namespace

api::Result<std::string> TokenSource::get(Time now) {
    const std::lock_guard lock(mutex_);
    if (material_.empty()) return std::string();
    if (is_read_ && now - read_ < lifetime) return token_;
    return read(now);
}

bool TokenSource::refused(const std::string& token, Time now) {
    const std::lock_guard lock(mutex_);
    if (material_.file.empty()) return false;
    if (is_read_ && token_ != token) return true;  // another request has read it meanwhile
    const auto again = read(now);
    return again && *again != token;
}

api::Result<std::string> TokenSource::read(Time now) {
    auto text = material_.read();
    if (!text) {
        if (is_read_) return token_;
        return text;
    }
    const std::size_t end = text->find_last_not_of(" \t\r\n");
    text->resize(end == std::string::npos ? 0 : end + 1);
    if (text->empty())
        return tl::unexpected(api::Error{material_.file, "is empty; it must hold a bearer token"});
    token_ = *text;
    read_ = now;
    is_read_ = true;
    return token_;
}

}  // namespace penstock::kube
