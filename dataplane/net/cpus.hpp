// How many CPUs this process may use: those that it may run on, and what its container may use of
// them (cgroups(7): cpu.max in version 2, cpu.cfs_quota_us in version 1).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::net {

// "150000 100000": 1.5 CPUs. Nothing: no limit, or not such a file.
std::optional<double> cpus_of_cpu_max(std::string_view text);
std::optional<double> cpus_of_cfs(std::string_view quota, std::string_view period);

// The least that any group from the process's own up to the root may use. own_groups: the text of
// /proc/self/cgroup. read: a file's text, empty if there is none.
std::optional<double> cpu_quota(
    std::string_view own_groups, const std::function<std::string(const std::string& path)>& read
);

// At least 1. A part of a CPU counts as one.
std::int32_t usable_cpus();

}  // namespace penstock::net
