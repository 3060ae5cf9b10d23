# dt_companion(TARGET SHORT): the static program TARGET as a section of the daemon that is not loaded (section.h).
# C++ refers to it by `extern "C" const char dt_<SHORT>_section[]`, the name of the section. Call it in the
# program's folder, below apps/daemon; its budget is budgets/<SHORT>.txt.
function(dt_companion target short)
  set(stripped ${CMAKE_CURRENT_BINARY_DIR}/stripped/${target})
  add_custom_command(OUTPUT ${stripped}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_CURRENT_BINARY_DIR}/stripped
    COMMAND ${CMAKE_STRIP} -o ${stripped} $<TARGET_FILE:${target}>
    DEPENDS ${target})
  add_custom_target(${target}-stripped DEPENDS ${stripped})
  if(DT_SANITIZE)   # sanitizers need the dynamic linker
    target_link_libraries(${target} PRIVATE dl)
  else()
    set(linked ${CMAKE_CURRENT_BINARY_DIR}/${target}.d)
    target_link_options(${target} PRIVATE -static-pie -Wl,--dependency-file=${linked})
    add_test(NAME budget.${short} COMMAND ${PROJECT_SOURCE_DIR}/budgets/check_companion.sh ${stripped} ${linked}
      ${PROJECT_SOURCE_DIR}/budgets/${short}.txt)
    set_tests_properties(budget.${short} PROPERTIES LABELS unit TIMEOUT 60)
  endif()
  target_link_options(${target} PRIVATE -Wl,-z,relro,-z,now -Wl,-z,pack-relative-relocs)

  set(section ${CMAKE_CURRENT_BINARY_DIR}/${short}_section.S)
  file(CONFIGURE OUTPUT ${section} CONTENT [[
.section .daytona_@short@,"",@progbits
.incbin "@stripped@"
.section .rodata
.global dt_@short@_section
dt_@short@_section: .asciz ".daytona_@short@"
.section .note.GNU-stack,"",@progbits
]] @ONLY)
  set_source_files_properties(${section} TARGET_DIRECTORY dt_daemon PROPERTIES OBJECT_DEPENDS ${stripped})
  target_sources(dt_daemon PRIVATE ${section})
  add_dependencies(dt_daemon ${target}-stripped)
  set_property(GLOBAL APPEND PROPERTY DT_KEPT_SECTIONS --keep-section=.daytona_${short})
endfunction()
