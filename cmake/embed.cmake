# dt_embed(TARGET SYMBOL FILE): makes the bytes of FILE available as `extern const char SYMBOL[]` and
# `extern const unsigned long SYMBOL_size` in TARGET (used for migrations and helper scripts).
enable_language(ASM)
function(dt_embed target symbol file)
  get_filename_component(path ${file} ABSOLUTE)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.S)
  file(WRITE ${out}.tmp ".section .rodata\n.global ${symbol}\n.global ${symbol}_size\n.balign 8\n${symbol}:\n.incbin \"${path}\"\n1:\n.byte 0\n.balign 8\n${symbol}_size:\n.quad 1b - ${symbol}\n.section .note.GNU-stack,\"\",@progbits\n")
  file(COPY_FILE ${out}.tmp ${out} ONLY_IF_DIFFERENT)
  set_source_files_properties(${out} PROPERTIES OBJECT_DEPENDS ${path})
  target_sources(${target} PRIVATE ${out})
endfunction()
