// The ways in which a stream of bytes may arrive in pieces.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace penstock::test {

// Calls `feed(std::vector<std::string_view>)` for splits of `bytes` into pieces that are not empty:
// all of them up to 10 bytes; beyond that in one piece, byte by byte, and cut once at each place.
template <class Feed>
void for_each_split(std::string_view bytes, Feed feed) {
    constexpr std::size_t all_up_to = 10;
    if (bytes.empty()) return feed(std::vector<std::string_view>{});
    if (bytes.size() <= all_up_to) {
        for (std::size_t cuts = 0; cuts < std::size_t{1} << (bytes.size() - 1); ++cuts) {
            std::vector<std::string_view> pieces;
            std::size_t start = 0;
            for (std::size_t end = 1; end <= bytes.size(); ++end) {
                const bool is_cut = end == bytes.size() || (cuts >> (end - 1) & 1U) != 0;
                if (!is_cut) continue;
                pieces.push_back(bytes.substr(start, end - start));
                start = end;
            }
            feed(pieces);
        }
        return;
    }
    feed(std::vector<std::string_view>{bytes});
    std::vector<std::string_view> single;
    for (std::size_t i = 0; i < bytes.size(); ++i) single.push_back(bytes.substr(i, 1));
    feed(single);
    for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
        feed(std::vector<std::string_view>{bytes.substr(0, cut), bytes.substr(cut)});
    }
}

}  // namespace penstock::test
