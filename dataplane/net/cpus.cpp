#include "dataplane/net/cpus.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <sstream>

#include <sched.h>

namespace penstock::net {
namespace {

std::string_view word(std::string_view& text) {
    constexpr std::string_view space = " \t\n";
    text.remove_prefix(std::min(text.size(), text.find_first_not_of(space)));
    const std::string_view found = text.substr(0, text.find_first_of(space));
    text.remove_prefix(found.size());
    return found;
}

std::optional<double> number(std::string_view text) {
    std::int64_t value = 0;
    const std::string_view digits = word(text);
    const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (fault != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return static_cast<double>(value);
}

std::optional<double> smaller(std::optional<double> one, std::optional<double> other) {
    if (!one || !other) return one ? one : other;
    return std::min(*one, *other);
}

// Each group from this one up to the root: in a container the mounted root may be its own group.
template <class Quota>
std::optional<double> least_up_to_root(std::string group, Quota quota) {
    std::optional<double> least;
    while (true) {
        if (group == "/") group.clear();
        least = smaller(least, quota(group));
        if (group.empty()) return least;
        group.resize(group.rfind('/') == std::string::npos ? 0 : group.rfind('/'));
    }
}

bool names(std::string_view controllers, std::string_view wanted) {
    while (!controllers.empty()) {
        const std::size_t comma = std::min(controllers.find(','), controllers.size());
        if (controllers.substr(0, comma) == wanted) return true;
        controllers.remove_prefix(std::min(controllers.size(), comma + 1));
    }
    return false;
}

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace

std::optional<double> cpus_of_cpu_max(std::string_view text) {
    const std::string_view quota = word(text);
    return cpus_of_cfs(quota, word(text));
}

std::optional<double> cpus_of_cfs(std::string_view quota, std::string_view period) {
    const auto may_use = number(quota);
    const auto in = number(period);
    if (!may_use || !in || *may_use <= 0 || *in <= 0) return std::nullopt;
    return *may_use / *in;
}

std::optional<double> cpu_quota(
    std::string_view own_groups, const std::function<std::string(const std::string& path)>& read
) {
    std::optional<double> least;
    while (!own_groups.empty()) {
        const std::size_t end = std::min(own_groups.find('\n'), own_groups.size());
        const std::string_view line = own_groups.substr(0, end);
        own_groups.remove_prefix(std::min(own_groups.size(), end + 1));
        // number:controllers:group
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first + 1);
        if (first == std::string_view::npos || second == std::string_view::npos) continue;
        const std::string controllers(line.substr(first + 1, second - first - 1));
        const std::string group(line.substr(second + 1));
        if (controllers.empty()) {
            least = smaller(least, least_up_to_root(group, [&](const std::string& each) {
                                return cpus_of_cpu_max(read("/sys/fs/cgroup" + each + "/cpu.max"));
                            }));
        } else if (names(controllers, "cpu")) {
            least = smaller(least, least_up_to_root(group, [&](const std::string& each) {
                                const std::string folder = "/sys/fs/cgroup/" + controllers + each;
                                return cpus_of_cfs(
                                    read(folder + "/cpu.cfs_quota_us"),
                                    read(folder + "/cpu.cfs_period_us")
                                );
                            }));
        }
    }
    return least;
}

std::int32_t usable_cpus() {
    cpu_set_t mask;
    CPU_ZERO(&mask);
    int cpus = 1;
    if (::sched_getaffinity(0, sizeof mask, &mask) == 0) cpus = std::max(1, CPU_COUNT(&mask));
    const auto quota = cpu_quota(text_of("/proc/self/cgroup"), text_of);
    if (!quota || *quota >= cpus) return cpus;
    return std::max(1, static_cast<std::int32_t>(std::ceil(*quota)));
}

}  // namespace penstock::net
