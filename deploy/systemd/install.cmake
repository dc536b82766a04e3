# Run by cmake --install: SOURCE is this folder.
set(SBIN ${CMAKE_INSTALL_PREFIX}/sbin)
file(READ ${SOURCE}/common.in COMMON)
foreach(unit nvmetd-state.service nvmetd-io@.service nvmetd-tcp.service nvmetd-rdma.service nvmetd-announce.service)
	set(file ${CMAKE_INSTALL_PREFIX}/lib/systemd/system/${unit})
	message(STATUS "Installing: $ENV{DESTDIR}${file}")
	configure_file(${SOURCE}/${unit}.in $ENV{DESTDIR}${file} @ONLY)
	list(APPEND CMAKE_INSTALL_MANIFEST_FILES ${file})
endforeach()
