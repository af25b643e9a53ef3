#!/bin/bash
# kernel-guest-init.sh: process 1 of a User-Mode Linux guest (kernel-guest.ts). Its root is the host's root, read-only; /run/ctl is the
# guest's folder on the host. A line on ttyS0 is the number of a job: jobs/N is run, and "job N ended STATUS" is the answer.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/run LC_ALL=C
mount -t proc proc /proc; mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev || {
  mount -t tmpfs tmpfs /dev
  mknod /dev/null c 1 3; mknod /dev/zero c 1 5; mknod /dev/urandom c 1 9; mknod /dev/ttyS0 c 4 64; chmod 666 /dev/null /dev/zero /dev/urandom
}
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
mount -t tmpfs tmpfs /run; mkdir /run/ctl

for word in $(cat /proc/cmdline); do
  case $word in guest.folder=*) folder=${word#*=} ;; esac
done
mount -t hostfs none /run/ctl -o "$folder"

# The kernel asks for the modules of algorithms by name when a state needs them. Its own are not in the host's /lib/modules.
printf '#!/bin/sh\nexec /sbin/modprobe -d %s "$@"\n' "$folder/modules" > /run/modprobe; chmod +x /run/modprobe
echo /run/modprobe > /proc/sys/kernel/modprobe
/run/modprobe -a ipv6 xfrm_user esp4 ah4 ipcomp 2>/dev/null
# A peer of IPv4 says nothing unless it is spoken to.
sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
ip link set lo up

exec 3<> /dev/ttyS0; stty raw -echo <&3
echo 'job 0 ended 0' >&3
while read -r job <&3; do
  ( setsid bash "/run/ctl/jobs/$job" > "/run/ctl/jobs/$job.out" 2> "/run/ctl/jobs/$job.err" < /dev/null 3<&-
    echo "job $job ended $?" >&3 ) &
done
