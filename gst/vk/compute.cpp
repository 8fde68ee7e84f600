#include "vk/compute.hpp"

namespace campaign::vk {
Result<std::unique_ptr<Program>> Program::create(std::shared_ptr<Device> device, Bindings bindings) {
  auto program = std::unique_ptr<Program>(new Program);
  program->device_ = device;
  program->bindings_ = std::move(bindings);

  std::vector<VkDescriptorSetLayoutBinding> slots(program->bindings_.size());
  for (uint32_t i = 0; i < slots.size(); ++i) {
    slots[i] = {i, program->bindings_[i], 1, VK_SHADER_STAGE_COMPUTE_BIT, nullptr};
  }
  VkDescriptorSetLayoutCreateInfo set_info{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO};
  set_info.bindingCount = static_cast<uint32_t>(slots.size());
  set_info.pBindings = slots.data();
  VkDescriptorSetLayout set_layout = VK_NULL_HANDLE;
  if (VkResult r = vkCreateDescriptorSetLayout(device->get(), &set_info, nullptr, &set_layout);
      r != VK_SUCCESS) {
    return device_error(*device, "vkCreateDescriptorSetLayout", r);
  }
  program->set_layout_ = SetLayoutHandle(device->get(), set_layout);

  VkPipelineLayoutCreateInfo info{VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
  info.setLayoutCount = 1;
  info.pSetLayouts = &set_layout;
  VkPipelineLayout layout = VK_NULL_HANDLE;
  if (VkResult r = vkCreatePipelineLayout(device->get(), &info, nullptr, &layout); r != VK_SUCCESS) {
    return device_error(*device, "vkCreatePipelineLayout", r);
  }
  program->layout_ = PipelineLayoutHandle(device->get(), layout);
  return program;
}

Result<PipelineHandle> Program::pipeline(std::span<const uint32_t> spirv,
                                         std::span<const uint32_t> constants) const {
  VkShaderModuleCreateInfo module_info{VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO};
  module_info.codeSize = spirv.size_bytes();
  module_info.pCode = spirv.data();
  VkShaderModule module = VK_NULL_HANDLE;
  if (VkResult r = vkCreateShaderModule(device_->get(), &module_info, nullptr, &module); r != VK_SUCCESS) {
    return device_error(*device_, "vkCreateShaderModule", r);
  }
  ShaderHandle shader(device_->get(), module);

  std::vector<VkSpecializationMapEntry> entries(constants.size());
  for (uint32_t i = 0; i < entries.size(); ++i) entries[i] = {i, i * 4u, 4u};
  VkSpecializationInfo special{static_cast<uint32_t>(entries.size()), entries.data(), constants.size_bytes(),
                               constants.data()};
  VkComputePipelineCreateInfo info{VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO};
  info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  info.stage.module = module;
  info.stage.pName = "main";
  info.stage.pSpecializationInfo = &special;
  info.layout = layout_.get();
  VkPipeline pipeline = VK_NULL_HANDLE;
  if (VkResult r =
          vkCreateComputePipelines(device_->get(), device_->pipeline_cache(), 1, &info, nullptr, &pipeline);
      r != VK_SUCCESS) {
    return device_error(*device_, "vkCreateComputePipelines", r);
  }
  return PipelineHandle(device_->get(), pipeline);
}

}  // namespace campaign::vk
